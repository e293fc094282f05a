// Made-up houses in the shape of real ones, as `GET /layout/{hash}` gives them.

/** A concert hall: stalls in curved blocks, two balconies, a standing floor in front. About 8,900 seats. */
export function hall() {
  const sections = [];
  const blocks = [
    { prefix: "Stalls", count: 5, rows: 40, from: 3600, gap: 260, spread: 1.5, level: (row) => (row < 10 ? 0 : 1) },
    { prefix: "Circle", count: 7, rows: 24, from: 14800, gap: 260, spread: 1.9, level: () => 2 },
    { prefix: "Gallery", count: 9, rows: 18, from: 22200, gap: 260, spread: 2.1, level: () => 3 },
  ];
  for (const block of blocks) {
    for (let number = 0; number < block.count; number++) {
      const width = block.spread / block.count;
      const from = -block.spread / 2 + number * width;
      sections.push({ name: `${block.prefix} ${number + 1}`, rows: arcRows(block, from, width) });
    }
  }
  return {
    object: "layout",
    name: "Hall",
    levels: [
      { name: "Category I", color: "#c0392b" },
      { name: "Category II", color: "#d9822b" },
      { name: "Category III", color: "#2a78d6" },
      { name: "Category IV", color: "#7a52b3" },
      { name: "Standing", color: "#198a6b" },
    ],
    sections,
    areas: [{ name: "Floor", capacity: 400, level: 4, x: 0, y: 2000 }],
    focal: [0, -600],
  };
}

/** Rows of one block on circles around the stage. */
function arcRows(block, from, width) {
  const rows = [];
  for (let row = 0; row < block.rows; row++) {
    const radius = block.from + row * block.gap;
    const usable = width * radius - 520;
    const seats = [];
    const count = Math.floor(usable / 220);
    for (let seat = 0; seat < count; seat++) {
      const angle = from + width / 2 + ((seat - (count - 1) / 2) * 220) / radius;
      const one = [String(seat + 1), block.level(row), Math.round(Math.sin(angle) * radius), Math.round(Math.cos(angle) * radius)];
      if (row === block.rows - 1 && seat < 2) one.push(seat === 0 ? "accessible" : "companion");
      seats.push(one);
    }
    rows.push({ name: String.fromCharCode(65 + (row % 26)).repeat(1 + Math.floor(row / 26)), seats });
  }
  return rows;
}

/** A stadium for about 82,500: three rings around a pitch. */
export function bowl() {
  const rings = [
    { prefix: 100, sections: 40, rows: 40, from: 0, levels: [0, 1] },
    { prefix: 200, sections: 44, rows: 22, from: 9400, levels: [2] },
    { prefix: 300, sections: 48, rows: 42, from: 14800, levels: [3] },
  ];
  const sections = rings.flatMap((ring) => {
    return Array.from({ length: ring.sections }, (_, number) => ({ name: String(ring.prefix + number + 1), rows: ringRows(ring, number) }));
  });
  return {
    object: "layout",
    name: "Stadium",
    levels: [
      { name: "Category 1", color: "#b8336a" },
      { name: "Category 2", color: "#2a6fd6" },
      { name: "Club", color: "#8a6a14" },
      { name: "Category 3", color: "#1d8f6a" },
    ],
    sections,
    areas: [],
    focal: [0, 0],
  };
}

/** Rows of one section: pieces of rounded rectangles around the pitch. */
function ringRows(ring, number) {
  const rows = [];
  for (let row = 0; row < ring.rows; row++) {
    const off = ring.from + row * 220;
    const [half, tall, radius] = [6400, 4600, 3400 + off];
    const straight = [half * 2 - 1200, tall * 2 - 1200];
    const length = 2 * straight[0] + 2 * straight[1] + 2 * Math.PI * radius;
    const piece = length / ring.sections;
    const count = Math.floor((piece - 300) / 172);
    const seats = [];
    for (let seat = 0; seat < count; seat++) {
      const [x, y] = around((number + 0.5) * piece + (seat - (count - 1) / 2) * 172, straight, radius);
      const side = Math.abs(y) > Math.abs(x);
      const level = ring.levels.length > 1 ? (side ? 0 : 1) : ring.levels[0];
      seats.push([String(seat + 1), level, Math.round(x), Math.round(y)]);
    }
    rows.push({ name: String(row + 1), seats });
  }
  return rows;
}

/** The point at a distance along a rounded rectangle, clockwise from its upper left corner. */
function around(at, [wide, high], radius) {
  const corner = (Math.PI / 2) * radius;
  const parts = [
    [wide, (d) => [-wide / 2 + d, -high / 2 - radius]],
    [corner, (d) => arc(wide / 2, -high / 2, -Math.PI / 2 + d / radius, radius)],
    [high, (d) => [wide / 2 + radius, -high / 2 + d]],
    [corner, (d) => arc(wide / 2, high / 2, d / radius, radius)],
    [wide, (d) => [wide / 2 - d, high / 2 + radius]],
    [corner, (d) => arc(-wide / 2, high / 2, Math.PI / 2 + d / radius, radius)],
    [high, (d) => [-wide / 2 - radius, high / 2 - d]],
    [corner, (d) => arc(-wide / 2, -high / 2, Math.PI + d / radius, radius)],
  ];
  const total = parts.reduce((sum, [length]) => sum + length, 0);
  let rest = ((at % total) + total) % total;
  for (const [length, place] of parts) {
    if (rest <= length) return place(rest);
    rest -= length;
  }
  return parts[0][1](0);
}

const arc = (x, y, angle, radius) => [x + Math.cos(angle) * radius, y + Math.sin(angle) * radius];

/** How many numbered seats a layout has. */
export const seatCount = (layout) => layout.sections.reduce((sum, section) => sum + section.rows.reduce((all, row) => all + row.seats.length, 0), 0);
