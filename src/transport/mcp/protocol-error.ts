import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';

/**
 * An error of JSON-RPC that the client may see as it is. Not the SDK's `McpError`, whose message begins with the code,
 * which the client's SDK then puts before it once more.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const invalidParams = (message: string) =>
  new ProtocolError(ErrorCode.InvalidParams, message);
