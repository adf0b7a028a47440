import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Admission } from '../http/admission.ts';
import { credentialsOf, isLocal } from '../http/credentials.ts';
import { sendSignInPage } from './sign-in-page.ts';

const firstQueries = `# Welcome to Tessera. Press the play button,
# or Ctrl-Enter inside an operation.

subscription Stream {
  completion(input: { prompt: { text: "What is a tessera?" } }) {
    __typename
    cursor
    ... on TextDelta { text }
    ... on RunFinished { run { cost ... on Completion { text } } }
    ... on RunFailed { error { code message } }
  }
}

mutation Complete {
  complete(input: { prompt: { text: "Say hello." } }) {
    __typename
    ... on Completion { text model cost }
    ... on Error { code message }
  }
}

mutation Ingest {
  ingestDocuments(input: {
    collection: "notes"
    documents: [{
      source: "mosaic.md"
      text: """
      A tessera is the small tile of a mosaic.
      Roman floors were laid with tesserae of stone.
      """
    }]
  }) {
    __typename
    ... on IngestedDocuments { created updated unchanged }
  }
}

mutation Ask {
  ask(input: {
    question: "What were Roman floors laid with?"
    collection: "notes"
  }) {
    __typename
    ... on Answer { text citations { citedText } sources { source } }
    ... on Error { code message }
  }
}

mutation Research {
  runAgent(input: {
    agent: "researcher"
    message: "What is 17 * 23?"
  }) {
    __typename
    ... on AgentRun { text turns { toolCalls { tool input output } } }
    ... on Error { code message }
  }
}

query Costs {
  viewer { userId roles }
  costStats { requests totalCost costByModel { model cost } }
}
`;

/** Everything inline: the page works without a network. Other pages may not frame it or be called by it. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

async function renderPage(): Promise<Buffer> {
  // 9 MB of script: loaded only when somebody opens the page, and kept compressed.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Tessera',
    endpoint: '/graphql',
    defaultQuery: firstQueries,
    subscriptionsProtocol: 'WS',
    shouldPersistHeaders: false,
  });
  return promisify(gzip)(html, { level: 6 });
}

/** Does a person's browser ask for a page? */
export const wantsPage = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && Boolean(headers.accept?.includes('text/html'));

const notSignedIn = {
  status: 401,
  title: 'Sign in first',
  message: 'GraphiQL is for those who are signed in.',
};

/** GraphiQL, for whoever is signed in, and for this machine's own browsers. */
export function createGraphiQLPage(admission: Admission, openId: boolean) {
  let rendered: Promise<Buffer> | undefined;
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isLocal(request) && !(await admission.identify(credentialsOf(request)))) {
      return sendSignInPage(response, { ...notSignedIn, openId });
    }
    rendered ??= renderPage();
    const page = await rendered;
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'gzip',
      'content-length': page.length,
      'content-security-policy': contentSecurityPolicy,
      'cache-control': 'private, no-cache',
      'referrer-policy': 'no-referrer',
    });
    response.end(page);
  };
}
