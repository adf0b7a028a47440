import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../kernel/message-of.ts';
import { evaluateExpression } from './evaluate-expression.ts';

parentPort?.on('message', (expression: string) => {
  try {
    parentPort?.postMessage({ result: evaluateExpression(expression) });
  } catch (error) {
    parentPort?.postMessage({ error: messageOf(error) });
  }
});
parentPort?.postMessage('ready');
