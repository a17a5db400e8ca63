// How often a server that died is started again, and after what pause. Pure.

export const MOST = 5;
export const WINDOW_MS = 180_000;

export class Restarts {
  private times: number[] = [];

  /** Milliseconds to wait before the next start; `undefined` when it died too often. */
  next(now: number): number | undefined {
    this.times = this.times.filter((time) => now - time < WINDOW_MS);
    if (this.times.length >= MOST) {
      return undefined;
    }
    this.times.push(now);
    return this.times.length === 1 ? 0 : 500 * 2 ** (this.times.length - 2);
  }

  forget(): void {
    this.times = [];
  }
}
