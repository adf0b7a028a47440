import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { Admission } from '../http/admission.ts';
import { credentialsOf } from '../http/credentials.ts';
import type { Exchange } from '../http/exchange.ts';
import { isJson, readJsonBody } from '../http/read-json-body.ts';
import { refusal } from '../http/request-refusal.ts';
import { assertShallow } from './input-depth.ts';

/** What the HTTP server hands to Yoga besides the request. */
export interface ServerContext {
  req: IncomingMessage;
  exchange: Exchange;
}

/** Yoga plugin: admits the caller, then reads what is asked: JSON and nothing else, of bounded length and depth. */
export function useRequestIntake(options: {
  admission: Admission;
  bodyLimitBytes: number;
}): Plugin<Record<string, unknown>, ServerContext> {
  return {
    async onRequestParse({ request, serverContext, requestParser, setRequestParser }) {
      const { req, exchange } = serverContext;
      const { method } = request;
      if (method !== 'GET' && method !== 'POST') return;
      if (method === 'POST' && !isJson(req.headers['content-type'])) {
        throw refusal('BAD_USER_INPUT', 'Send the request as content-type: application/json.', {
          status: 415,
          headers: { accept: 'application/json' },
        });
      }
      await options.admission.admit(exchange, credentialsOf(req), 'any');
      if (method === 'POST') {
        // Read from Node's own stream: limiting Yoga's costs a stream and a request object more for each call.
        const body = await readJsonBody(req, options.bodyLimitBytes);
        // Yoga checks the shape of what this gives.
        setRequestParser(() => body as GraphQLParams);
      } else if (requestParser) {
        setRequestParser((get) => parseQueryString(() => requestParser(get)));
      }
    },
    onParams: ({ params }) => assertShallow(params),
  };
}

/** Yoga answers 500 to `?variables=` that is not JSON. */
function parseQueryString<Result>(parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (error instanceof GraphQLError) throw error;
    throw refusal(
      'BAD_USER_INPUT',
      'The query string holds variables or extensions that are not JSON.',
    );
  }
}
