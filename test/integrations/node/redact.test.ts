import { describe, expect, it } from 'vitest';
import { redactCommand, redactRemote } from '../../../src/integrations/node/redact.ts';

const token = `ghp_${'a1B2'.repeat(9)}`;

describe('a command line', () => {
  it.each<[string[], string[]]>([
    [['node', 'train.js', '--epochs', '3'], ['node', 'train.js', '--epochs', '3']],
    [['--token=abc', '--api-key', 'xyz', 'data.csv'], ['--token=[redacted]', '--api-key', '[redacted]', 'data.csv']],
    [['--dbPassword', 'hunter2'], ['--dbPassword', '[redacted]']],
    [['--password', '1234'], ['--password', '[redacted]']],
    [['-password=1234'], ['-password=[redacted]']],
    [['DB_PASSWORD=pw', 'AWS_SECRET_ACCESS_KEY=x/y='], ['DB_PASSWORD=[redacted]', 'AWS_SECRET_ACCESS_KEY=[redacted]']],
    [['--max-tokens', '512', '--key-length=8', '--tokenizer', 'bert', '--keyboard=us'], ['--max-tokens', '512', '--key-length=8', '--tokenizer', 'bert', '--keyboard=us']],
    [['--token', '--verbose'], ['--token', '--verbose']],
    [['--password='], ['--password=']],
    [['--db', 'postgres://me:pw@db/x?sslmode=require'], ['--db', 'postgres://[redacted]@db/x?sslmode=require']],
    [['https://host/a?api_key=abc&page=2#x'], ['https://host/a?api_key=[redacted]&page=2#x']],
    [['--url=https://u:p@host/?a=1'], ['--url=https://[redacted]@host/?a=1']],
    [['-H', 'Authorization: Bearer abc.def'], ['-H', 'Authorization: [redacted]']],
    [['-H', 'x-api-key: abc'], ['-H', 'x-api-key: [redacted]']],
    [[`--note=${token}`, token], ['--note=[redacted]', '[redacted]']],
    [['--password', '-hunter2', '--token', '-v'], ['--password', '[redacted]', '--token', '-v']],
    [['--config', '{"password":"hunter2","token": "x,y","layers":2}'], ['--config', '{"password":"[redacted]","token": "[redacted]","layers":2}']],
    [['--set', 'db.host=x,db.password=hunter2'], ['--set', 'db.host=x,db.password=[redacted]']],
    [['Server=x;User Id=a;Password=hunter2;'], ['Server=x;User Id=a;Password=[redacted];']],
    [['--define:API_KEY=abc', '--pass', 'hunter2', '--jwt=abc', 'pass:hunter2'], ['--define:API_KEY=[redacted]', '--pass', '[redacted]', '--jwt=[redacted]', 'pass:[redacted]']],
    [['-u', 'me:hunter2', '--user', 'me:hunter2', '-u', 'https://host/'], ['-u', 'me:[redacted]', '--user', 'me:[redacted]', '-u', 'https://host/']],
    [['postgres://me:p/w#x@db/x', '//me:pw@host/a', 'redis://:pw@host'], ['postgres://[redacted]@db/x', '//[redacted]@host/a', 'redis://[redacted]@host']],
    [['http://host:8080/a@b', 'https://host/a:b@c'], ['http://host:8080/a@b', 'https://host/a:b@c']],
    [['https://host/a?sig=abc', 'sk_live_abcdefghijklmnop'], ['https://host/a?sig=[redacted]', '[redacted]']],
    [['--learning-rate=0.01', '--out=./run=1'], ['--learning-rate=0.01', '--out=./run=1']],
  ])('%j becomes %j', (given, expected) => {
    expect(redactCommand(given)).toEqual(expected);
  });

  it('is bounded, and no secret survives being cut in two', () => {
    const [arg] = redactCommand([`${'x'.repeat(1_990)} ${token}${'y'.repeat(100_000)}`]);
    expect(arg!.length).toBeLessThanOrEqual(2_000);
    expect(arg).not.toContain('ghp_');
  });

  it('is redacted in time that does not explode', () => {
    for (const text of ['a.'.repeat(50_000), 'https://'.repeat(20_000), `https://${'a:'.repeat(50_000)}`, `a${' '.repeat(50_000)}`, ' a='.repeat(30_000), '"a":"\\'.repeat(20_000), '?a='.repeat(30_000), 'eyJ'.repeat(30_000)]) {
      expect(redactCommand([text])[0]!.length).toBeLessThanOrEqual(2_000);
    }
  });
});

describe('a remote', () => {
  it.each([
    ['https://me:secret@example.test/a/b.git', 'https://example.test/a/b.git'],
    [`https://${token}@github.test/a/b.git`, 'https://github.test/a/b.git'],
    ['https://example.test/a/b.git', 'https://example.test/a/b.git'],
    ['ssh://git@example.test/a/b.git', 'ssh://git@example.test/a/b.git'],
    ['ssh://git:secret@example.test/a/b.git', 'ssh://git@example.test/a/b.git'],
    ['git@example.test:a/b.git', 'git@example.test:a/b.git'],
    ['https://example.test/a.git?private_token=abc', 'https://example.test/a.git?private_token=[redacted]'],
    ['me:secret@example.test:a/b.git', 'me@example.test:a/b.git'],
    ['https://me:p/w@example.test/a.git', 'https://example.test/a.git'],
    ['/srv/git/a.git', '/srv/git/a.git'],
  ])('%s becomes %s', (given, expected) => {
    expect(redactRemote(given)).toBe(expected);
  });
});

describe('an argument', () => {
  it('keeps what is no secret', () => {
    for (const text of ['a=b', 'basic training', 'bearer of news', 'mailto:someone@example.test', 'key frames', 'C:\\data\\keys.txt', 'cookies']) expect(redactCommand([text])).toEqual([text]);
  });
});
