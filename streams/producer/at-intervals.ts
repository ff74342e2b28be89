/**
 * Does something every so many milliseconds, without keeping the program alive for it.
 *
 * @param intervalMs 1 to 2,147,483,647
 * @returns ends it
 */
export function atIntervals(intervalMs: number, run: () => void): () => void {
  const timer = setInterval(run, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
