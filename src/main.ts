import { main } from './cli/main.ts';
import { openSystem } from './core/io/system.ts';

const { io, host } = openSystem();
host.quit(await main(io));
