/** Connections of bytes by Bun.connect. */
import type { ByteStream } from './byte-stream.ts';
import { openByteStream } from './byte-stream.ts';
import { isUnknownAuthority, netErrorOf } from './net-errors.ts';
import type { ConnectRequest, Connection } from './net-types.ts';
import { NetError } from './net-types.ts';
import type { Trust } from './tls-trust.ts';
import { pemFault, tlsOptions } from './tls-trust.ts';

export interface ConnectSetting {
  readonly trust: Trust;
  readonly signal: AbortSignal;
}

/** The signal ends the connection at any time, also when it is open. */
export async function openConnection(
  request: ConnectRequest,
  setting: ConnectSetting,
): Promise<Connection> {
  const { trust, signal } = setting;
  if (signal.aborted) throw new NetError('aborted', '');
  if (request.tls === undefined) return await open(request, undefined, signal);
  const ca = request.tls.ca ?? trust.fromVariables();
  const options = tlsOptions(request.tls, ca);
  try {
    return await open(request, options, signal);
  } catch (error) {
    // What the built-in authorities do not know, the machine's own may.
    const isUnknown = ca === undefined && error instanceof UnknownAuthorityError;
    const ofMachine = isUnknown ? trust.ofMachine() : undefined;
    if (ofMachine === undefined) throw error;
    return await open(request, tlsOptions(request.tls, ofMachine), signal);
  }
}

class UnknownAuthorityError extends NetError {}

type Opening = PromiseWithResolvers<void>;

async function open(
  { host, port }: ConnectRequest,
  tls: Bun.TLSOptions | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  const opening: Opening = Promise.withResolvers();
  const stream = openByteStream();
  const abort = (): void => {
    const why = new NetError('aborted', '');
    opening.reject(why);
    stream.fail(why);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    const socket = handlersOf(stream, opening, tls !== undefined);
    // Bun.connect cannot be told to stop: a connection that opens after the abort closes itself.
    Bun.connect({ hostname: host, port, ...(tls === undefined ? {} : { tls }), socket }).catch(
      (error: unknown) => opening.reject(refusal(error, tls)),
    );
    await opening.promise;
  } catch (error) {
    const why = error instanceof NetError ? error : refusal(error, tls);
    stream.fail(why);
    signal.removeEventListener('abort', abort);
    throw why;
  }
  return {
    write: (bytes) => stream.write(bytes),
    read: async () => await stream.read(),
    close: () => {
      signal.removeEventListener('abort', abort);
      stream.close();
    },
  };
}

function refusal(error: unknown, tls: Bun.TLSOptions | undefined): NetError {
  const why = netErrorOf(error, 'before answer');
  if (!/^(?:protocol|handshake)$/.test(why.reason) || tls === undefined) return why;
  const fault = pemFault(tls);
  return fault === undefined ? why : new NetError('certificate', fault, 'settings');
}

function handlersOf(
  stream: ByteStream,
  opening: Opening,
  isTls: boolean,
): Bun.SocketHandler<undefined> {
  return {
    binaryType: 'uint8array',
    open: (socket) => {
      stream.attach(socket);
      if (!isTls) opening.resolve();
    },
    // Nothing is written before this: the server has not proven who it is.
    handshake: (_socket, isTrusted, error) => {
      if (isTrusted && error === null) return opening.resolve();
      const why = netErrorOf(error ?? {}, 'before answer');
      opening.reject(
        isUnknownAuthority(error) ? new UnknownAuthorityError(why.reason, why.detail) : why,
      );
    },
    data: (_socket, bytes) => stream.take(bytes),
    drain: () => stream.flush(),
    end: () => stream.end(),
    error: (_socket, error) => stream.fail(netErrorOf(error, 'before answer')),
    close: (_socket, error) => {
      const why = error === undefined ? undefined : netErrorOf(error, 'before answer');
      opening.reject(why ?? new NetError('reset', 'closed'));
      if (why === undefined) stream.end();
      else stream.fail(why);
    },
  };
}
