import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ABTest, FeatureStore, featureView } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OptionDefinition } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands.ts';
import { globalOptions } from '../../src/cli/global-options.ts';
import { cli } from './cli-host.ts';
import { storeWithModel } from './stores.ts';

let directory: string;
let store: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'modelkeep-'));
  store = await storeWithModel(directory);
  await writeFile(join(directory, 'rows.csv'), 'a,b\n1,2\n3,4\n');
  for (const [name, text] of Object.entries({ 'cut.json': '{', 'five.json': '5', 'more.json': '{"thresholds":1}', 'nobody.json': '[{"statement":"x"}]' })) await writeFile(join(directory, name), text);
  await using storage = new FilesystemStorage(store);
  await using running = new ABTest({ storage, name: 'button', variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }] });
  running.expose('u1');
  await using features = new FeatureStore({ storage });
  await features.apply([featureView({ name: 'delays', entity: ['origin'], timestamp: 'date', features: { delay: 'float64' } })]);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test('no option of any command takes an empty value, nor one of numbers a text', async () => {
  for (const [path, load] of Object.entries(commands)) {
    const { options, positionals } = await load();
    const args = positionals.filter(({ optional }) => optional !== true).map(() => 'x');
    const all: [string, OptionDefinition][] = Object.entries({ ...options, ...globalOptions });
    for (const [name, { type, choices }] of all) {
      if (type === 'flag') continue;
      const empty = await cli([...path.split(' '), ...args, `--${name}=`], { directory });
      expect({ path, name, ...empty }).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(choices === undefined ? `--${name} is empty; give ` : `--${name} is '`) });
      if (type === 'number') for (const value of ['ten', 'NaN', '1e999', '0x']) expect(await cli([...path.split(' '), ...args, `--${name}=${value}`], { directory })).toMatchObject({ code: 2, stderr: expect.stringContaining(`--${name} is '${value}'; give `) });
    }
    for (const [i, { name }] of positionals.entries()) expect(await cli([...path.split(' '), ...positionals.map((_, j) => (i === j ? '' : 'x'))], { directory })).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`${name} is empty`) });
  }
  expect(await readdir(directory)).not.toContain('.modelkeep');
});

describe('a value that an option does not take ends with 2 and says what it takes', () => {
  const whole = 'give a whole number of at least 1. [usage]';
  const upTo1000 = 'give a whole number from 1 to 1000. [usage]';
  const chance = 'give a number between 0 and 1. [usage]';
  const time = "give a number with one of the units ms, s, m, h, d, such as '12h'. [usage]";
  test.each([
    ['runs ls --limit 0', `--limit is 0; ${whole}`],
    ['runs ls --limit 1.5', `--limit is 1.5; ${whole}`],
    ['runs ls --limit=-3', `--limit is -3; ${whole}`],
    ['runs ls --order-by nonsense', '--order-by[0] cannot be read at character 1'],
    ['runs ls --after nonsense', '--after is "nonsense", which is no cursor'],
    ['models ls --limit 1001', `--limit is 1001; ${upTo1000}`],
    ['models show delay --limit 0', `--limit is 0; ${upTo1000}`],
    ['models rollback delay --reason x --by me --to 0', `--to is 0; ${whole}`],
    ['models rollback delay --reason x --by me --from 1.5', `--from is 1.5; ${whole}`],
    ['models verify delay@1 --public-key cut.json', '--public-key begins like a JWK, and is no JSON'],
    ['features ls --limit 0', `--limit is 0; ${whole}`],
    ['features ls --after /', "--after must be the 'next' of the page before"],
    ['features get delays:delay -e airport=ATL', '--entity[0].origin is missing'],
    ['features get delays:delay --entities five.json', 'which must hold an array of objects'],
    ['features get delays:delay --entities cut.json', 'cut.json, which is no JSON'],
    ['features get delays:delay --entities five.json -e origin=ATL', '--entity and --entities are both given'],
    ['features materialize delays --end soon', '--end is "soon"'],
    ['pipelines ls --limit 1001', `--limit is 1001; ${upTo1000}`],
    ['drift check rows.csv rows.csv --alpha 2', `--alpha is 2; ${chance}`],
    ['drift check rows.csv rows.csv --alpha 0', `--alpha is 0; ${chance}`],
    ['drift check rows.csv rows.csv --min-effect=-1', '--min-effect is -1; give a number of at least 0.'],
    ['drift check rows.csv rows.csv --min-rows 0', `--min-rows is 0; ${whole}`],
    ['drift check rows.csv rows.csv --delimiter ab', "--delimiter is 'ab'; give one character, or \\t for a tab."],
    ['drift check rows.csv rows.csv --prediction c', "--prediction names 'c', which is no column that is compared; did you mean"],
    ['drift check rows.csv rows.csv --exclude c', "--exclude: neither rows.csv nor rows.csv has a column 'c'"],
    ['drift check rows.csv rows.csv --columns a -x b,a', "--columns and --exclude both name 'a'"],
    ['drift check rows.csv rows.csv -x a,b', '--exclude names every column'],
    ['drift check rows.csv rows.csv --columns ,', '--columns names no column'],
    ['drift show delay --limit 0', `--limit is 0; ${whole}`],
    ['ab analyze button --confidence 1', `--confidence is 1; ${chance}`],
    ['ab analyze button --segment country', "--segment has 'country', which is no attribute of the units"],
    ['store check --grace soon', `--grace is 'soon'; ${time}`],
    ['store gc --grace 5', `--grace is '5'; ${time}`],
    ['store export --prefix ../x', "--prefix is '../x'; give what keys may begin with"],
    ['maturity --min-level 9', '--min-level is 9; give a whole number from 0 to 3.'],
    ['maturity --window soon', `--window is 'soon'; ${time}`],
    ['maturity --policy more.json', '--policy has unknown options: thresholds'],
    ['maturity --policy cut.json', 'cut.json, which is no JSON'],
    ['maturity --attestations nobody.json', '--attestations[0].author is missing'],
  ])('%s', async (line, message) => {
    const { code, stdout, stderr } = await cli(line.split(' '), { directory, env: { MODELKEEP_STORE: store } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

test('a file that an option names and that is not there ends with 1, and is named', async () => {
  for (const [option, line] of [['--public-key', 'models verify delay@1'], ['--entities', 'features get delays:delay'], ['--policy', 'maturity'], ['--attestations', 'maturity']] as const) {
    const { code, stderr } = await cli([...line.split(' '), option, 'none.json'], { directory, env: { MODELKEEP_STORE: store } });
    expect(code).toBe(1);
    expect(stderr).toBe(`modelkeep: There is no file ${join(directory, 'none.json')}, which ${option} names. [not-found]\n`);
    expect((await cli([...line.split(' '), option, '.'], { directory, env: { MODELKEEP_STORE: store } })).stderr).toContain(`${directory}, which ${option} names, cannot be read`);
  }
});

test('a store is not migrated to itself, whatever it is called', async () => {
  await mkdir(join(directory, 'links'), { recursive: true });
  await symlink(store, join(directory, 'links', 'same'));
  for (const [target, source] of [['store', 'store'], [store, 'store'], ['links/../store', store], ['links/same', 'store'], ['http://127.0.0.1:1/api/', 'http://127.0.0.1:1/api'], ['HTTP://127.0.0.1:1/api', 'http://127.0.0.1:1/api']] as const) {
    const { code, stdout, stderr } = await cli(['store', 'migrate', target, '--store', source], { directory });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('TARGET is the store itself');
  }
});
