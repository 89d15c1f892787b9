import type { Command } from './command.ts';
import { DECLARE_FLAGS } from './declare-flags.ts';

const command: Command = {
  name: 'explain',
  summary: 'x',
  usage: '',
  about: '',
  flags: DECLARE_FLAGS,
  wordsMax: 0,
  takesCommand: false,
  example: '',
  async run() {
    return 0;
  },
};

export default command;
