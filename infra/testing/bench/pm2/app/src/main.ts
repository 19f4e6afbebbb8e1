// The process that a worker runs, in both of PM2's modes: it answers /health,
// listens on PORT, and on SIGTERM or SIGINT stops accepting, waits until all
// connections are closed, for 10 s at most, and exits. That is what the tutorial
// does, no more and no less; only Nest's logger is off, in its favour.
import { createServer } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { Request, Response } from 'express';
import { AppModule } from './app.module';

const patience = 10_000;

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: false });
  const adapter = app.getHttpAdapter();
  adapter.get('/health', (_: Request, response: Response) => response.status(200).send('ok'));
  const server = createServer(adapter.getInstance());
  await app.init();

  const stop = (): void => {
    server.close(() => process.exit(0));
    setTimeout(() => process.exit(1), patience);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  server.listen(Number(process.env.PORT || 3000));
}

void main();
