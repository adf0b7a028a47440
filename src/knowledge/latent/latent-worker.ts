// The thread in which a latent space is fitted: takes texts, answers the space, ends.
import { parentPort, workerData } from 'node:worker_threads';
import { fitLatentSpace } from './fit-latent-space.ts';

const space = fitLatentSpace(workerData as string[]);
parentPort?.postMessage(space, [
  space.termVectors.buffer as ArrayBuffer,
  space.textVectors.buffer as ArrayBuffer,
]);
