// The rules of test/tidy.test.ts: what each says, where it applies, and a sample that breaks it.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { SourceFile } from './source.ts';
import { IMPORTS, NAMED, OWN_WORDS, PACKAGES, REVEALS } from './tidy-lists.ts';
import { ROOT, codeOf, importedPath, importsOf, literalsOf } from './source.ts';

/** One rule; `breaks` tells what in a file is against it. */
export interface Rule {
  readonly says: string;
  readonly applies: (file: string) => boolean;
  readonly breaks: (file: SourceFile) => string[];
  readonly samples: readonly SourceFile[];
}

const EVERYTHING = new Set(['cli', 'main.ts']);
const PLUGINS = ['stores', 'targets', 'injectors'];
const PURE = new Set(['wire', 'plan']);

const LINES_MAX = 300;
const COLUMNS_MAX = 100;

/** Files that are no code of ours: recorded data, generated files, the text of a license. */
const GIVEN =
  /(^|\/)golden\/|\.gen\.ts$|^docs\/(reference|schema)\/|^(LICENSE|NOTICE)$|^package-lock/;

const ioOrMain = (file: string): boolean => /^src\/(core\/io\/|main\.ts$)/.test(file);
const inSource = (file: string): boolean => /^src\/.*\.ts$/.test(file);
const inScript = (file: string): boolean =>
  /^(src|test|scripts|examples)\/.*\.(ts|mjs|c|h|sh)$/.test(file) && !GIVEN.test(file);
const outsideOfIo = (file: string): boolean => inSource(file) && !ioOrMain(file);

/** The first folder below src/, or the file itself. */
function partOf(file: string): string {
  return file.split('/')[1] ?? '';
}

function sample(file: string, text: string): SourceFile {
  return { path: file, text };
}

function pluginNames(): string[] {
  return PLUGINS.flatMap((folder) => {
    try {
      return readdirSync(path.join(ROOT, 'src', folder));
    } catch {
      return [];
    }
  })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('_'))
    .map((name) => name.slice(0, -3));
}

/** A rule about what code may not say, in literals and comments it may. */
function unsaid(says: string, pattern: RegExp, samples: readonly string[]): Rule {
  return {
    says,
    applies: outsideOfIo,
    breaks: ({ text }) => [...codeOf(text).matchAll(pattern)].map(([found]) => found),
    samples: samples.map((text) => sample('src/plan/x.ts', text)),
  };
}

function forbiddenImports(file: SourceFile): string[] {
  const part = partOf(file.path);
  const allowed = IMPORTS[part] ?? [];
  return importsOf(file.text).filter((written) => {
    const target = importedPath(file, written);
    if (target === undefined) return false;
    if (!target.startsWith('src/')) return true;
    const other = partOf(target);
    return other !== part && !EVERYTHING.has(part) && !allowed.includes(other);
  });
}

function forbiddenOutside(file: SourceFile): string[] {
  return importsOf(file.text).filter((written) => {
    const target = importedPath(file, written);
    if (target === undefined) return !(PACKAGES[file.path] ?? []).includes(written);
    if (!target.startsWith('src/core/io/')) return false;
    return PURE.has(partOf(file.path)) || !/\/(net-)?types\.ts$/.test(target);
  });
}

function longLines({ text }: SourceFile): string[] {
  const code = codeOf(text).split('\n');
  return text.split('\n').flatMap((line, index) => {
    const columns = line.replace(/[\ud800-\udbff](?=[\udc00-\udfff])/g, '').length;
    const holdsLiteral = /['"`]/.test(code[index] ?? '') || isInTemplate(code[index] ?? '', line);
    const isLong = columns > COLUMNS_MAX && !holdsLiteral;
    return isLong ? [`line ${index + 1} has ${columns} columns`] : [];
  });
}

/** A line inside of a template keeps none of its text as code. */
function isInTemplate(code: string, line: string): boolean {
  return code.trim() === '' && !/^\s*(\/\/|\/?\*)/.test(line);
}

function pluginWords(file: SourceFile): string[] {
  const own = path.basename(file.path, '.ts');
  const allowed = NAMED[file.path] ?? [];
  const names = pluginNames().filter((name) => {
    return name !== own && !allowed.includes(name) && !OWN_WORDS.has(name);
  });
  return literalsOf(file.text).filter((literal) =>
    names.some((name) => literal === name || literal === `${name}:`),
  );
}

const HOSTS = ['registry[.]npmjs', 'registry[.]yarnpkg', 'npmmirror[.]', 'files[.]pythonhosted'];
const MIRRORS = 'https?://[^/\\s"\'`]*(?:nexus|artifactory|verdaccio|:4873)';
const FOLDERS = ['work/(?:main|shared|[.]library)', 'root/'].map(
  (name) => `(?<![\\w.~*$}-])/${name}`,
);
const MACHINE = new RegExp([...HOSTS, MIRRORS, ...FOLDERS].join('|'), 'g');

export const RULES: readonly Rule[] = [
  {
    says: 'a folder of src/ is in the import table and imports only what the table says',
    applies: inSource,
    breaks: (file) => {
      const part = partOf(file.path);
      const isKnown = Object.hasOwn(IMPORTS, part) || EVERYTHING.has(part);
      return isKnown ? forbiddenImports(file) : ['a folder that the design does not have'];
    },
    samples: [
      sample('src/core/x.ts', "import { a } from '../wire/pod.ts';"),
      sample('src/plan/x.ts', "import type {\n  A,\n} from '../entrypoint/run.ts';"),
      sample('src/wire/x.ts', "const a = await import('../plan/types.ts');"),
      sample('src/stores/x.ts', "export { plan } from '../plan/types.ts';"),
      sample('src/cli/x.ts', "import { a } from '../../test/a.ts';"),
      sample('src/misc/x.ts', ''),
    ],
  },
  {
    says: 'packages, node: and core/io are for core/io; others have its types and what is named',
    applies: outsideOfIo,
    breaks: forbiddenOutside,
    samples: [
      sample('src/plan/x.ts', "import fs from 'node:fs';"),
      sample('src/plan/x.ts', "import type { Io } from '../core/io/types.ts';"),
      sample('src/entrypoint/x.ts', "import { openSystem } from '../core/io/system.ts';"),
      sample('src/cli/x.ts', "const v = await import('valibot');"),
    ],
  },
  {
    says: 'a plug-in imports only `_` files of its folder, and only the list imports a plug-in',
    applies: inSource,
    breaks: (file) =>
      importsOf(file.text).filter((written) => {
        const target = importedPath(file, written) ?? '';
        const isPlugin = PLUGINS.some((folder) => target.startsWith(`src/${folder}/`));
        return isPlugin && !/\/_[^/]*$/.test(target) && !file.path.endsWith('/_all.gen.ts');
      }),
    samples: [
      sample('src/stores/x.ts', "import y from './y.ts';"),
      sample('src/entrypoint/x.ts', "import vault from '../stores/vault.ts';"),
    ],
  },
  {
    says: `a file has at most ${LINES_MAX} lines`,
    applies: inScript,
    breaks: ({ text }) => {
      const lines = text.split('\n').length - 1;
      return lines > LINES_MAX ? [`${lines} lines`] : [];
    },
    samples: [sample('src/plan/x.ts', '\n'.repeat(LINES_MAX + 1))],
  },
  {
    says: `a line has at most ${COLUMNS_MAX} columns, unless it holds a long literal`,
    applies: (file) => inScript(file) && file.endsWith('.ts'),
    breaks: longLines,
    samples: [
      sample('src/plan/x.ts', `// ${'why '.repeat(30)}`),
      sample('src/plan/x.ts', `const ${'a'.repeat(100)} = 1;`),
    ],
  },
  {
    says: 'shared code never asks for the name of a plug-in',
    applies: (file) => inSource(file) && !GIVEN.test(file),
    breaks: pluginWords,
    samples: [sample('src/plan/x.ts', "if (kind === 'embedded') return;")],
  },
  unsaid(
    'the process is for core/io and main.ts',
    /\bprocess\b(?=[.[?])|\bBun\b(?=[.[])(?!\.CryptoHasher\b)/g,
    [
      'process.exit(1);',
      'const home = process?.env;',
      'const text = `${process.pid}`;',
      'Bun.spawn([]);',
    ],
  ),
  {
    says: 'the network is for core/io; `fetch` may be a method, or a function of the file itself',
    applies: outsideOfIo,
    breaks: ({ text }) => {
      const code = codeOf(text);
      const called = /(?<![.\w]|function )fetch\((?!\w+(?:: [^)]*)?\)(?::| \{))|globalThis\.fetch/g;
      return /\bfunction fetch\(/.test(code) ? [] : (code.match(called) ?? []);
    },
    samples: [
      sample('src/plan/x.ts', "await fetch('http://localhost');"),
      sample('src/plan/x.ts', 'const x = a ? fetch(url) : b;'),
      sample('src/plan/x.ts', 'globalThis.fetch(url)'),
    ],
  },
  unsaid(
    'the clock is for core/io',
    /\bDate\.now\b|\bperformance\.|\bnew Date\(\s*\)|(?<!\bnew )\bDate\(/g,
    ['const t = Date.now();', 'performance.now()', 'new Date().toISOString()'],
  ),
  unsaid(
    'chance is for core/io',
    /\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill)|(?<!\.)\bcrypto\./g,
    ['const r = Math.random();', 'crypto.getRandomValues(bytes)'],
  ),
  unsaid('timers are for core/io', /\bset(?:Timeout|Interval|Immediate)\b|\bAtomics\.wait/g, [
    'setTimeout(work, 10);',
  ]),
  {
    ...unsaid('the console is for nobody', /\bconsole\b/g, ["console.log('x');"]),
    applies: inSource,
  },
  {
    ...unsaid('a sealed value is opened only where it is delivered', /\.reveal\(|\['reveal'/g, [
      'const bytes = value.reveal();',
    ]),
    applies: (file) => inSource(file) && !REVEALS.has(file),
  },
  {
    says: 'only plug-ins and commands have a default export',
    applies: (file) => inSource(file) && !/^src\/(stores|targets|injectors|cli)\/[^_]/.test(file),
    breaks: ({ text }) => codeOf(text).match(/\bexport default\b|\bas default\b/g) ?? [],
    samples: [sample('src/plan/x.ts', 'export default 1;')],
  },
  {
    says: 'a class is an error or Sealed',
    applies: inSource,
    breaks: ({ text }) =>
      [...codeOf(text).matchAll(/\bclass (\w+)(?: extends (\w+))?/g)]
        .filter(([, name, base]) => name !== 'Sealed' && !(base ?? '').endsWith('Error'))
        .map(([found]) => found),
    samples: [sample('src/plan/x.ts', 'class Reader {}')],
  },
  {
    says: 'no committed file names a package registry or a path of the machine it was made on',
    applies: () => true,
    breaks: ({ text }) => [...text.matchAll(MACHINE)].map(([found]) => found),
    samples: [
      sample('docs/x.md', `see ${'/wor'}k/shared/DESIGN.md`),
      sample('package-lock.json', `"resolved": "https://registry.npm${'js'}.org/x"`),
      sample('.npmrc', `registry=http://nex${'us'}.corp/npm`),
    ],
  },
];
