// What the relay would be in TypeScript: takes metrics, sends them on in packets. For its figures
// only; `BENCH_GATEWAY` is the gateway's port.
const gateway = Number(process.env['BENCH_GATEWAY']);
const BYTES_MAX = 1432;
let packet = '';
const out = await Bun.udpSocket({ connect: { hostname: '127.0.0.1', port: gateway } });
const flush = (): void => {
  if (packet !== '') out.send(packet);
  packet = '';
};
const taken = await Bun.udpSocket({
  hostname: '127.0.0.1',
  port: Number(process.env['BENCH_PORT']),
  socket: {
    data: (_, bytes) => {
      const line = `${bytes.toString('latin1')}|#job:bench,host:bench`;
      if (packet.length + line.length + 1 > BYTES_MAX) flush();
      packet = packet === '' ? line : `${packet}\n${line}`;
    },
  },
});
setInterval(flush, 2);
process.stdout.write(`ready ${taken.port}\n`);
