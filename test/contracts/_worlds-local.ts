// The worlds of the stores that ask nobody.
import { afterAll } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Sealed } from '../../src/core/sealed.ts';
import type { DataObject } from '../../src/wire/objects.ts';
import type { World } from './_world.ts';
import { CANARY } from './_world.ts';

/** What is put later is there too: a store is opened by each test. */
async function embedded(): Promise<World> {
  const objects: DataObject[] = [];
  const put: World['put'] = async (name, bytes) => {
    const entries = new Map([['k', new Sealed(bytes)]]);
    objects.push({ kind: 'Secret', name, namespace: undefined, entries });
    return { path: `secret/ns/${name}`, member: 'k' };
  };
  return {
    home: { options: {}, objects },
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `secret/other/${n}`,
    put,
    cannotHold: [],
  };
}

async function env(): Promise<World> {
  const arrival: Uint8Array[] = [];
  const put: World['put'] = async (name, bytes) => {
    arrival.push(Buffer.concat([Buffer.from(`${name}=`), bytes]));
    return { path: name };
  };
  return {
    home: { options: {}, arrival },
    there: await put('THERE', Buffer.from(CANARY)),
    gone: (n) => `GONE_${n}`,
    put,
    cannotHold: ['NUL'],
  };
}

async function file(): Promise<World> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-contract-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const put: World['put'] = async (name, bytes) => {
    writeFileSync(path.join(folder, name), bytes);
    return { path: name };
  };
  return {
    home: { options: { folder } },
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `nosuch/${n}`,
    put,
    cannotHold: [],
  };
}

export const LOCAL_WORLDS = { embedded, env, file };
