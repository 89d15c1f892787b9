import { main } from './cli/main.ts';
import { exitOf, problemsOf } from './core/errors.ts';
import type { System } from './core/io/system.ts';
import { openSystem, printLast } from './core/io/system.ts';
import { renderProblems } from './core/report.ts';

const system = open();
system.host.quit(await main(system.io));

/** Without launcher or arguments that can be read there is nobody else to report it. */
function open(): System {
  try {
    return openSystem();
  } catch (error) {
    const problems = problemsOf(error);
    return printLast(renderProblems(problems, 'text'), exitOf(problems));
  }
}
