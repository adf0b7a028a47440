import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GraphQLContext } from '../../schema/context.ts';
import type { Metrics } from '../../telemetry/create-metrics.ts';
import { accepts, streamTypes } from '../http/accepted-types.ts';
import type { Exchange } from '../http/exchange.ts';
import { refusal } from '../http/request-refusal.ts';
import { GuardedStream } from './guarded-stream.ts';

/** What an operation's resolvers and this room's plugins find in its context. */
export interface OperationContext extends GraphQLContext {
  exchange: Exchange;
  /** Over HTTP. */
  req?: IncomingMessage;
}

const isStream = (result: object): result is AsyncIterable<ExecutionResult> =>
  Symbol.asyncIterator in result;

/** In the log. */
const maxNameLength = 100;

function note({ document, operationName, contextValue }: ExecutionArgs): OperationContext {
  const context = contextValue as OperationContext;
  context.exchange.runIds = context.runIds;
  const operation = getOperationAST(document, operationName);
  if (operation) {
    // The name as it stands in the document: what the request calls it may be anything.
    const name = operation.name?.value.slice(0, maxNameLength) ?? null;
    context.exchange.operation = { type: operation.operation, name };
  }
  return context;
}

/** Nothing may be begun whose events could not be told. */
const canStream = ({ exchange, req }: OperationContext): boolean =>
  exchange.transport !== 'http' || accepts(req?.headers.accept, streamTypes);

/** Yoga plugin: notes what is executed, for the log, and puts a guard on everything that streams. */
export function useOperations(metrics: Metrics): Plugin {
  const guard = (context: OperationContext, stream: AsyncIterable<ExecutionResult>) =>
    new GuardedStream(stream, {
      exchange: context.exchange,
      lastCursor: () => {
        const event = context.lastEvent;
        return event?.stream.cursorAt(event.body.position);
      },
      onSlowConsumer: () => metrics.slowConsumerEnded(context.exchange.transport),
    });
  return {
    onExecute({ args }) {
      const context = note(args);
      return {
        onExecuteDone({ result, setResult }) {
          if (isStream(result)) setResult(guard(context, result));
        },
      };
    },
    onSubscribe({ args }) {
      const context = note(args);
      if (!canStream(context)) {
        throw refusal('BAD_USER_INPUT', 'A subscription is told as text/event-stream: accept it.', {
          status: 406,
        });
      }
      return {
        onSubscribeResult({ result, setResult }) {
          if (isStream(result)) setResult(guard(context, result));
        },
      };
    },
  };
}
