// A name server for tests: addresses (A records) of a few names; every other name does not exist.
import { udpSocket } from 'bun';

const NOT_FOUND = 3;
const ADDRESS = 1;
const TTL_SECONDS = 5;

/** Answers on UDP port 53 of an address of this machine until it is stopped. */
export async function answerNames(
  address: string,
  names: Readonly<Record<string, string>>,
): Promise<{ readonly stop: () => void }> {
  const socket = await udpSocket({
    hostname: address,
    port: 53,
    socket: {
      data: (...[from, query, port, host]) => {
        from.send(answerOf(query, names), port, host);
      },
    },
  });
  return { stop: () => socket.close() };
}

/** The answer to a query of one question (RFC 1035, section 4). */
function answerOf(query: Buffer, names: Readonly<Record<string, string>>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const found = names[labels.join('.').toLowerCase()];
  const isAnswered = found !== undefined && type === ADDRESS;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8580 | (found === undefined ? NOT_FOUND : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAnswered ? 1 : 0, 6);
  if (!isAnswered) return Buffer.concat([header, question]);
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0); // the name of the question
  record.writeUInt16BE(ADDRESS, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(TTL_SECONDS, 6);
  record.writeUInt16BE(4, 10);
  record.set(found.split('.').map(Number), 12);
  return Buffer.concat([header, question, record]);
}
