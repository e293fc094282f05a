// The prices of an event by level, kept up to date by the live map's messages. Pure.

/**
 * A change of a price, as a delta has it.
 * @typedef {{level: number, amount: number, from: number, version: number, cause: string}} Repriced
 */

export class Prices {
  /** @param {{level: number, name?: string, price: import("./format.js").Money}[]} list */
  constructor(list) {
    this.list = list;
    this.currency = list[0]?.price.currency ?? "EUR";
  }

  /** @param {number} level @returns {import("./format.js").Money} */
  of(level) {
    return this.list[level]?.price ?? { amount: 0, currency: this.currency };
  }

  /** @param {import("./map/model.js").SeatModel} model @param {Iterable<number>} seats @param {Map<number, number>} areas */
  total(model, seats, areas) {
    let amount = 0;
    for (const seat of seats) amount += this.of(model.level[seat]).amount;
    for (const [area, quantity] of areas) amount += this.of(model.areas[area].level).amount * quantity;
    return { amount, currency: this.currency };
  }

  /**
   * Takes over what a message says: a snapshot has all prices by level, a delta the changes since, the oldest first.
   * @param {Repriced[] | Record<string, number> | undefined} news
   * @returns {{level: number, from: number, amount: number}[]} levels that cost something else now than before
   */
  take(news) {
    const before = this.list.map((line) => line.price.amount);
    const now = Array.isArray(news) ? news.map((one) => [one.level, one.amount]) : Object.entries(news ?? {});
    for (const [level, amount] of now) {
      const line = this.list[Number(level)];
      if (line) line.price = { ...line.price, amount: Number(amount) };
    }
    const changed = this.list.map((line, level) => ({ level, from: before[level], amount: line.price.amount }));
    return changed.filter(({ from, amount }) => from !== amount);
  }
}
