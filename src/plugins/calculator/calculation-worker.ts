import { parentPort } from 'node:worker_threads';
import { evaluateExpression } from './evaluate-expression.ts';

parentPort?.on('message', (expression: string) => {
  try {
    parentPort?.postMessage({ result: evaluateExpression(expression) });
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
parentPort?.postMessage('ready');
