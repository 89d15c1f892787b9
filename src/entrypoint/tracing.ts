import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import type { Trace } from '../core/trace.ts';
import { openTrace } from '../core/trace.ts';
import type { Plan } from '../plan/types.ts';
import { START_MS_DEFAULT } from '../plan/types.ts';
import { replaceFile } from './report-file.ts';
import type { RunOptions } from './run.ts';
import { openExporter } from './trace-export.ts';
import type { TraceFacts } from './trace-report.ts';
import { traceReport } from './trace-report.ts';
import type { TraceReport } from './trace-types.ts';

/** What one start is seen by. */
export interface Tracing {
  readonly trace: Trace;
  /** Tells what is started, once that is known. */
  know(plan: Plan): void;
  /** Writes and sends what was seen. Never rejects; what goes wrong here is a warning. */
  finish(problems: TraceFacts['problems']): Promise<void>;
}

const FILE_MODE = 0o644;

/** Opens the trace that was asked for, to be written to a file that `traceFile` has allowed. */
export function openTracing(io: Io, options: RunOptions, file: string | undefined): Tracing {
  const trace = openTrace(io.clock);
  const exporter = openExporter(io);
  let plan: Plan | undefined;
  const warn = (text: string): void => io.stderr(renderWarning(text, options.log));
  return {
    trace,
    know: (known) => void (plan = known),
    finish: async (problems) => {
      try {
        const report = traceReport(trace.spans(), {
          ...factsOf(io),
          version: options.version ?? 'of unknown version',
          plan,
          problems,
        });
        if (file !== undefined) {
          await write(io, { file, report, options }).catch((error: unknown) => {
            if (!(error instanceof BellhopError)) throw error;
            warn(error.message);
          });
        }
        const leftMs = (plan?.policy.startMsMax ?? START_MS_DEFAULT) - io.clock.monotonicMs();
        const failure = await exporter?.send(report, leftMs);
        if (failure === undefined || !options.verbose) return;
        warn(`the trace was not taken by the collector: ${failure}`);
      } catch {
        // A defect here must not keep the program from starting, nor hide why it cannot.
        warn('the trace could not be made');
      }
    },
  };
}

function factsOf(io: Io): Pick<TraceFacts, 'platform' | 'beganMs' | 'totalMs'> {
  const totalMs = io.clock.monotonicMs();
  return { platform: platformOf(io), beganMs: io.clock.now() - totalMs, totalMs };
}

const FACT_BYTES_MAX = 4096;

/** `Linux 6.8.0 x86_64`, as far as the kernel says it. */
function platformOf(io: Io): string {
  const facts = ['ostype', 'osrelease', 'arch'].map((name) => {
    try {
      const bytes = io.fs.read(`/proc/sys/kernel/${name}`, FACT_BYTES_MAX);
      return new TextDecoder().decode(bytes).trim();
    } catch {
      return '';
    }
  });
  return facts.filter((one) => one !== '').join(' ') || 'Linux';
}

interface Writing {
  readonly file: string;
  readonly report: TraceReport;
  readonly options: RunOptions;
}

/** Throws BellhopError where it cannot; what the start has read is not written over. */
async function write(io: Io, { file, report, options }: Writing): Promise<void> {
  const text = file.endsWith('.html')
    ? (await import('./trace-page.ts')).tracePage(report)
    : `${JSON.stringify(report, undefined, 2)}\n`;
  const { manifests, settings, plan } = options;
  const inputs = manifests.map((one) => ['a manifest', one] as const);
  const read = [...inputs, ['bellhop.yaml', settings] as const, ['the plan', plan] as const];
  replaceFile(io, {
    flag: 'the trace',
    file,
    text,
    mode: FILE_MODE,
    read: read.flatMap(([called, one]) => (one === undefined ? [] : [[called, one] as const])),
  });
}
