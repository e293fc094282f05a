// Which seat is free, held, sold or not for sale: the packed form, and what deltas do to it. Pure.

export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;
export const BLOCKED = 3;

/** The words for the states, by number. */
export const STATE_WORDS = ["free", "being bought by somebody", "sold", "not for sale"];

const STATE_NUMBERS = /** @type {Record<string, number>} */ ({
  free: FREE, available: FREE, held: HELD, pinned: HELD, paying: HELD, sold: SOLD, blocked: BLOCKED, killed: BLOCKED,
});

/**
 * A state as a number, from either form the server may use.
 * @param {number | string} state
 */
export const stateNumber = (state) => (typeof state === "number" ? state & 3 : (STATE_NUMBERS[state] ?? BLOCKED));

/**
 * Unpacks two bits a seat, lowest bits first.
 * @param {string} packed base64 (standard or URL alphabet)
 * @param {number} seats how many there are
 * @returns {Uint8Array} one state a seat
 */
export function decodeStates(packed, seats) {
  const bytes = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  if (bytes.length * 4 < seats) throw new RangeError(`${bytes.length} bytes cannot hold ${seats} seats`);
  const states = new Uint8Array(seats);
  for (let seat = 0; seat < seats; seat++) states[seat] = (bytes.charCodeAt(seat >> 2) >> ((seat & 3) * 2)) & 3;
  return states;
}

/** The states of all seats of an event with the free count of each section, kept in step. */
export class SeatStates {
  /**
   * @param {Uint16Array} sectionOf section number of each seat
   * @param {number} sections how many sections
   */
  constructor(sectionOf, sections) {
    this.sectionOf = sectionOf;
    this.states = new Uint8Array(sectionOf.length).fill(BLOCKED);
    this.free = new Int32Array(sections);
    /** Revision of the event's group that this reflects. */
    this.rev = 0;
  }

  /**
   * Takes a whole new set of states.
   * @param {Uint8Array} states
   * @param {number} rev
   * @returns {number[]} the seats that differ from before
   */
  replace(states, rev) {
    /** @type {number[]} */
    const changed = [];
    const size = Math.min(states.length, this.states.length);
    for (let seat = 0; seat < size; seat++) {
      if (this.set(seat, states[seat])) changed.push(seat);
    }
    this.rev = rev;
    return changed;
  }

  /**
   * Applies a delta's changes.
   * @param {[number, number | string][]} set pairs of seat and state
   * @param {number} [rev] the revision it leads to; without one the revision stays
   * @returns {number[]} the seats that really changed
   */
  apply(set, rev) {
    /** @type {number[]} */
    const changed = [];
    for (const [seat, state] of set) {
      if (seat >= 0 && seat < this.states.length && this.set(seat, stateNumber(state))) changed.push(seat);
    }
    if (rev !== undefined) this.rev = rev;
    return changed;
  }

  /**
   * @param {number} seat
   * @param {number} state
   * @returns {boolean} whether it was another one before
   */
  set(seat, state) {
    const before = this.states[seat];
    if (before === state) return false;
    if (before === FREE) this.free[this.sectionOf[seat]]--;
    if (state === FREE) this.free[this.sectionOf[seat]]++;
    this.states[seat] = state;
    return true;
  }

  /** How many seats are free in all. */
  totalFree() {
    return this.free.reduce((sum, free) => sum + free, 0);
  }
}
