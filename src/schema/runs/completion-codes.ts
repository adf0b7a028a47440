/** What can keep a completion from succeeding. */
export const completionCodes = [
  'BUDGET_EXCEEDED',
  'PROMPT_NOT_FOUND',
  'PROMPT_VARIABLES_INVALID',
  'MODEL_NOT_FOUND',
  'MODEL_RATE_LIMITED',
  'MODEL_OVERLOADED',
  'MODEL_TIMEOUT',
  'MODEL_UNAVAILABLE',
  'MODEL_REFUSED',
  'OUTPUT_INVALID',
  'RUN_CANCELLED',
  'RUN_INTERRUPTED',
  'RUN_NOT_FOUND',
  'NOT_FOUND',
  'CONFLICT',
] as const;
