import { z } from 'zod';
import { definePlugin } from '../../kernel/plugin.ts';
import { defineTool } from '../../kernel/tool.ts';
import { GuardedFetch } from './guarded-fetch.ts';
import { hostRule } from './host-rules.ts';

const options = z.object({
  allow: z
    .array(z.string().regex(hostRule, 'is no host: write "example.com", or "*.example.com"'))
    .min(1)
    .describe('The hosts that may be asked.'),
  maxBytes: z.int().min(1).max(5_000_000).default(100_000).describe('Of a body; the rest is cut.'),
  timeoutMs: z.int().min(1).max(60_000).default(10_000).describe('For everything together.'),
  maxRedirects: z.int().min(0).max(10).default(3),
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe('Also hosts of your own network. Agents can then read what only the server can.'),
});

const fetchUrl = (guarded: GuardedFetch, { allow, timeoutMs }: z.output<typeof options>) =>
  defineTool({
    name: 'fetch_url',
    description: `Reads a page of text, JSON or XML from the web. Hosts that may be asked: ${allow.join(', ')}.`,
    input: z.object({ url: z.url().max(2_000).describe('An http or https URL.') }),
    output: z.object({
      url: z.string().describe('Where it was found, after redirects.'),
      status: z.int(),
      contentType: z.string(),
      text: z.string(),
      truncated: z.boolean(),
    }),
    idempotent: true,
    timeoutMs,
    run: ({ url }, { signal }) => guarded.get(url, signal),
  });

/** Lets agents read from a list of hosts. Not in the default list of plugins: name the hosts to have it. */
export const httpFetch = definePlugin({
  name: 'http-fetch',
  version: '1.0.0',
  description: 'Lets agents read web pages of allowed hosts.',
  options,
  setup: (chosen) => {
    const { allow, maxBytes, maxRedirects } = chosen;
    const guarded = new GuardedFetch({
      allow,
      maxBytes,
      maxRedirects,
      ...(chosen.allowPrivateAddresses && { isAllowedAddress: () => true }),
    });
    return { tools: [fetchUrl(guarded, chosen)], close: () => guarded.close() };
  },
});
