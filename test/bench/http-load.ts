import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Servers in a process of their own, which is where they stand in life, too. */
export interface Servers {
  readonly child: ChildProcess;
  readonly ports: Readonly<Record<string, number>>;
}

/** Starts a script of this folder that prints a name and a port for each of so many servers. */
export async function startServers(name: string, listeners: number): Promise<Servers> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ports: Record<string, number> = {};
  await new Promise<void>((resolve, reject) => {
    let printed = '';
    child.on('exit', (code) => reject(new Error(`The servers ended with ${code}.`)));
    child.stdout.on('data', (text: Buffer) => {
      printed += text.toString();
      for (const [, server, port] of printed.matchAll(/(\w+) (\d+)\n/g)) ports[server!] = Number(port);
      if (Object.keys(ports).length === listeners) resolve();
    });
  });
  return { child, ports };
}

/** Ends them: they end with their input. */
export function stopServers({ child }: Servers): void {
  child.stdin?.end();
}

const connections = 16;

/** Sends so many times the same request over connections that are kept, each when the answer to the one before has come, with as little of a client as will do. */
export async function sendRequests(port: number, text: string, requests: number): Promise<void> {
  let left = requests;
  const connection = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const send = (): void => void (left-- > 0 ? socket.write(text) : socket.end(resolve));
      let received = '';
      socket.setNoDelay(true).on('connect', send).on('error', reject);
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        const end = received.indexOf('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(received);
        if (end === -1 || length === null || received.length < end + 4 + Number(length[1])) return;
        if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received));
        received = '';
        send();
      });
    });
  await Promise.all(Array.from({ length: connections }, connection));
}
