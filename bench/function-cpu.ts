/** CPU that the running child processes of this one have used: the functions of the local Lambda. Linux only. */
import { readFileSync } from 'node:fs';

/** proc_pid_stat(5): utime and stime, counted from the field behind the name, in ticks of 1/100 s. */
const UTIME_FIELD = 11;
const TICKS_A_SECOND = 100;

/** Seconds; undefined where there is no /proc. */
export function functionCpuSeconds(): number | undefined {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim();
    const ticks = children.split(' ').map((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(fields[UTIME_FIELD]) + Number(fields[UTIME_FIELD + 1]);
    });
    return ticks.reduce((sum, value) => sum + value, 0) / TICKS_A_SECOND;
  } catch {
    return undefined;
  }
}
