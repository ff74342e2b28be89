/**
 * Writes one line to standard output, which Lambda takes as a log event as it stands. `console.log` would put it inside
 * another JSON object where the function's log format is JSON, and CloudWatch finds embedded metrics at the root only
 * (lambda/latest/dg/nodejs-logging.html, "Using embedded metric format (EMF) with structured JSON logs").
 */
export function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
