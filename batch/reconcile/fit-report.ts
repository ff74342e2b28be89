/** Fits a report into the answer of a function. */
import type { Finding, ReconcileReport } from './report.ts';

/** An answer of a function is 6 MB at most: lambda/latest/dg/gettingstarted-limits.html */
export const ANSWER_BYTES_MAX = 5_000_000;

/** With as many identities a finding as the answer holds; how many there are stays told. */
export function fitReport(report: ReconcileReport): ReconcileReport {
  let fitted = report;
  for (let named = 500; JSON.stringify(fitted).length > ANSWER_BYTES_MAX; named = Math.floor(named / 4)) {
    const cut = (finding: Finding): Finding => ({ ...finding, recordIds: finding.recordIds.slice(0, named) });
    const findings = named > 0 ? fitted.findings.map(cut) : fitted.findings.slice(0, 10).map(cut);
    const findingsLeftOff = report.findingsLeftOff + report.findings.length - findings.length;
    fitted = { ...fitted, findings, findingsLeftOff };
    if (named === 0) break;
  }
  return fitted;
}
