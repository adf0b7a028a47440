export type Role = 'ADMIN' | 'USER';

/** Who is calling. Every request has one; `requestId` is in every log line and usage record it causes. */
export interface Principal {
  userId: string;
  roles: readonly Role[];
  /** Null for a browser session and for a JWT. */
  apiKeyId: string | null;
}

export interface Caller extends Principal {
  requestId: string;
}

export const isAdmin = (principal: Principal): boolean => principal.roles.includes('ADMIN');
