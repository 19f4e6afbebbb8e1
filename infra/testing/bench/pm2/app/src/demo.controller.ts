// The routes of our own demo service, with the same answers, so that both stacks
// do the same work.
import { Controller, Get, Header, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';

@Controller()
export class DemoController {
  @Get()
  @Header('Content-Type', 'text/plain; charset=utf-8')
  home(): string {
    return 'hello from escala\n';
  }

  // The body comes back as it is; it is no JSON, so nobody has read it yet.
  @Post('echo')
  echo(@Req() request: Request, @Res() response: Response): void {
    response.status(200).type('application/octet-stream');
    request.pipe(response);
  }

  @Get('slow')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  async slow(@Query('ms') ms: string): Promise<string> {
    await new Promise((done) => setTimeout(done, Number(ms)));
    return `waited ${ms} ms\n`;
  }
}
