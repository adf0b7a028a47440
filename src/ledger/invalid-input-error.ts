export { InvalidInputError } from '../kernel/invalid-input-error.ts';
