import type { Builder } from '../builder.ts';
import { callerOf, userScope } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';

function declareSessionTypes(builder: Builder): void {
  builder.enumType('SignInMethod', {
    description: 'By a one-time link, a key in a form, or an identity provider.',
    values: ['LINK', 'KEY', 'OPENID'] as const,
  });
  builder.objectType('Session', {
    description: 'A browser that is signed in.',
    fields: (t) => ({
      id: t.exposeID('id'),
      userId: t.exposeString('userId'),
      method: t.expose('method', { type: 'SignInMethod' }),
      address: t.exposeString('address', {
        nullable: true,
        description: 'The address that it signed in from.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
      current: t.boolean({
        description: 'Whether this request is of it.',
        resolve: ({ id }, _args, { caller }) => caller?.sessionId === id,
      }),
    }),
  });
  builder.objectType('CreatedLoginLink', {
    fields: (t) => ({
      path: t.exposeString('path', {
        description: 'To be opened in a browser at the address of this server.',
      }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    }),
  });
}

const linkLifetimeMs = 15 * 60_000;

/** Browser sessions: their list, their ends, and the link that begins one. */
export function declareSession(builder: Builder): void {
  declareSessionTypes(builder);
  const user = { schema: nameSchema() };
  builder.queryField('sessions', (t) =>
    t.field({
      type: ['Session'],
      description: "Signed-in browsers, newest first: one's own; for an admin everybody's.",
      authScopes: { member: true },
      args: { userId: t.arg.string({ validate: user }) },
      resolve: (_root, { userId }, context) =>
        context.services.auth.sessions(userScope(context, 'sessions', userId)),
    }),
  );
  builder.mutationFields((t) => ({
    createLoginLink: t.field({
      type: 'CreatedLoginLink',
      description: 'A link that signs one browser in as the caller, once, within 15 minutes.',
      authScopes: { member: true },
      audit: (_args) => ({}),
      resolve: async (_root, _args, context) => ({
        path: `/login?once=${await context.services.auth.createLoginLink(callerOf(context))}`,
        expiresAt: new Date(Date.now() + linkLifetimeMs),
      }),
    }),
    signOut: t.boolean({
      description: 'Ends the browser session of this request. False where it is of none.',
      authScopes: { member: true },
      audit: (_args, ended) => (ended ? {} : null),
      resolve: (_root, _args, context) => {
        const { sessionId } = callerOf(context);
        return sessionId === undefined ? false : context.services.auth.endSession(sessionId);
      },
    }),
    endSessions: t.int({
      description:
        "Ends browser sessions, on all servers at once: a user's, by default one's own; for an admin who names nobody, all there are. Their number.",
      authScopes: { member: true },
      audit: ({ userId }, ended) => ({ subject: userId ?? null, detail: { ended } }),
      args: { userId: t.arg.string({ validate: user }) },
      resolve: (_root, { userId }, context) =>
        context.services.auth.endSessions(userScope(context, 'sessions', userId)),
    }),
  }));
}
