// A server's process in which something is thrown where nobody takes it. Prints `on` behind it.
import { openFaultNet } from '../../src/cli/webhook-faults.ts';
import { openSystem } from '../../src/core/io/system.ts';
import { openLog } from '../../src/webhook/log.ts';

const { io, host } = openSystem();
const [kind = '', secret = ''] = process.argv.slice(2);
const log = openLog({ level: 'info', clock: io.clock, write: (text) => io.stderr(text) });
const net = openFaultNet(io, log);
net.endBy(() => io.stdout('ended '));
if (kind === 'rejection') void Promise.reject(new TypeError(secret));
else io.clock.after(0, () => fail(secret));
io.clock.after(20, () => {
  io.stdout('on');
  net.stop();
  host.quit(net.exitCode());
});

function fail(text: string): never {
  throw new TypeError(text);
}
