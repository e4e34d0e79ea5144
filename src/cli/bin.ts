#!/usr/bin/env node
import { processHost } from './process-host.ts';
import { runCli } from './run-cli.ts';

const host = processHost();
// By force: a module of the user's may hold timers and connections that would keep the process forever, and everything is written by now.
host.exit(await runCli(process.argv.slice(2), host));
