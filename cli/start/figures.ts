/** Real-time figures, read as CloudWatch would: from the embedded metrics in the processor's log lines. */

/** Sums since the start. */
export interface Figures {
  received: number;
  delivered: number;
  quarantined: number;
  dropped: number;
  batches: number;
}

const METRICS = {
  Received: 'received',
  Delivered: 'delivered',
  Quarantined: 'quarantined',
  Dropped: 'dropped',
} as const;

export function createFigures(): { readonly sums: Readonly<Figures>; readonly take: (message: string) => void } {
  const sums: Figures = { received: 0, delivered: 0, quarantined: 0, dropped: 0, batches: 0 };
  return {
    sums,
    take(message) {
      // START, END and REPORT lines of the Lambda runtime are not JSON.
      if (!message.includes('"_aws"')) return;
      const line = parseObject(message);
      if (!line) return;
      sums.batches += 1;
      for (const [metric, figure] of Object.entries(METRICS)) {
        const value = line[metric];
        if (typeof value === 'number') sums[figure] += value;
      }
    },
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
