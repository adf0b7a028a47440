import { DomainError } from '../../kernel/errors.ts';
import type {
  ConversationFilter,
  ConversationRecord,
} from '../../runs/conversation/conversations.ts';
import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { idSchema } from '../id-schema.ts';
import { callerOf, mayRead, ofContent, userScope } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { loaded } from '../results/loaded.ts';
import { resultUnion } from '../results/result-union.ts';
import { storableText } from '../storable-text.ts';
import type { RunConnection } from './run-list.ts';
import { typedView } from './run-view.ts';

const tagSchema = { maxLength: 20, items: { schema: nameSchema(64) } };

/** Null for another's, as if there were none. */
async function loadConversation(
  id: string,
  context: GraphQLContext,
): Promise<ConversationRecord | null> {
  const conversation = await context.loaders.conversation.load(id);
  return conversation && mayRead(context, 'runs', conversation.userId) ? conversation : null;
}

/** Only its owner changes a conversation. */
async function ownConversation(
  id: string,
  context: GraphQLContext,
): Promise<ConversationRecord | null> {
  const conversation = await context.loaders.conversation.load(id);
  return conversation?.userId === callerOf(context).userId ? conversation : null;
}

function declareConversationType(builder: Builder, runs: RunConnection): void {
  builder.node('Conversation', {
    description:
      'Runs that continue one another. Two that continue the same one are branches: that is all it takes to ask again or to edit a message.',
    id: { resolve: (conversation) => conversation.id },
    loadOne: loadConversation,
    fields: (t) => ({
      title: t.exposeString('title', {
        nullable: true,
        description: 'The title: written from the first exchange, or set by `updateConversation`.',
        authScopes: ofContent,
      }),
      userId: t.exposeString('userId', { description: 'Id of the user whose conversation it is.' }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'Start of its first run.',
      }),
      updatedAt: t.expose('updatedAt', {
        type: 'DateTime',
        description: 'Start of its newest run.',
      }),
      tags: t.stringList({
        description: 'Tags of the conversation; at first those of its first run.',
        resolve: ({ tags }) => [...tags],
      }),
      cost: t.field({
        type: 'USD',
        nullable: true,
        description: "Of all its runs. Null only when a model's price is not known.",
        resolve: async ({ id }, _args, { loaders }) =>
          (await loaders.usageOfConversation.load(id)).cost,
      }),
      usage: t.field({
        type: 'TokenUsage',
        description: 'Tokens of all its runs.',
        resolve: ({ id }, _args, { loaders }) => loaders.usageOfConversation.load(id),
      }),
      runs: t.field({
        type: runs,
        description: 'Oldest first, all branches; each knows the run that it continues.',
        complexity: pageCost,
        args: pageArguments(t.arg),
        resolve: async ({ id }, place, { services }) => {
          const page = await services.runs.conversations.runs(id, pageRequest(place));
          return toConnection({
            ...page,
            edges: page.edges.map((edge) => ({
              ...edge,
              node: typedView(edge.node, services.registry),
            })),
          });
        },
      }),
      head: t.field({
        type: 'Run',
        description:
          'The newest run: what a further message continues when nothing else is said. One that failed before a model had answered is passed over.',
        resolve: async ({ id }, _args, { loaders }) =>
          loaded(await loaders.headOfConversation.load(id), `the head of conversation ${id}`),
      }),
    }),
  });
}

function declareConversationQueries(builder: Builder): void {
  const ConversationFilterInput = builder.inputType('ConversationFilter', {
    description: 'Conditions on conversations. All of them hold.',
    fields: (t) => ({
      userId: t.string({
        description: 'Conversations of this user.',
        validate: { schema: nameSchema() },
      }),
      tags: t.stringList({
        description: 'Conversations that have all of these tags.',
        validate: tagSchema,
      }),
      text: t.string({
        description:
          'Conversations with all these words in their title, or in what one of their runs was asked or answered. Runs that have not ended are left out.',
        validate: { schema: storableText(1_000) },
      }),
      updatedAfter: t.field({
        type: 'DateTime',
        description: 'Conversations whose newest run started later.',
      }),
    }),
  });
  const connection = declareConnection(builder, 'Conversation');
  const authScopes = { user: true, editor: true, operator: true, auditor: true };
  builder.queryFields((t) => ({
    conversations: t.field({
      type: connection,
      description: "Newest first: the caller's own; everybody's for roles that may read all runs.",
      authScopes,
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        filter: t.arg({
          type: ConversationFilterInput,
          description: 'Conditions. Default: all conversations.',
        }),
      },
      resolve: async (_root, { filter, ...place }, context) => {
        const { userId, ...rest } = filter ?? {};
        // To find a conversation by its words is to read them.
        const reach = rest.text == null ? 'runs' : 'content';
        const scoped: ConversationFilter = { ...rest, userId: userScope(context, reach, userId) };
        const request = { ...pageRequest(place), filter: scoped };
        return toConnection(await context.services.runs.conversations.list(request));
      },
    }),
    conversation: t.field({
      type: 'Conversation',
      nullable: true,
      description:
        'A conversation by its id. Null if there is none, or the caller may not read it.',
      authScopes,
      args: {
        id: t.arg.id({
          required: true,
          description: 'Id of the conversation.',
          validate: { schema: idSchema('Conversation') },
        }),
      },
      resolve: (_root, { id }, context) => loadConversation(id, context),
    }),
  }));
}

const deleteCodes = ['NOT_FOUND'] as const;

function declareConversationMutations(builder: Builder): void {
  const id = { schema: idSchema('Conversation') };
  const UpdateConversationInput = builder.inputType('UpdateConversationInput', {
    description: 'Changes to a conversation. What is left out stays.',
    fields: (t) => ({
      id: t.id({ required: true, description: 'Id of the conversation.', validate: id }),
      title: t.string({
        description: 'Null takes the title away; left out, it stays.',
        validate: { schema: storableText(200) },
      }),
      tags: t.stringList({
        description: 'The new tags, in place of the present ones.',
        validate: tagSchema,
      }),
    }),
  });
  const DeleteConversationResult = resultUnion(builder, 'DeleteConversationResult', {
    description: 'The deleted conversation as it was, or an error.',
    types: ['Conversation'],
    codes: deleteCodes,
  });
  const authScopes = { user: true, editor: true };
  builder.mutationFields((t) => ({
    updateConversation: t.field({
      type: 'Conversation',
      nullable: true,
      description: "Changes a conversation of the caller's. Null if there is none.",
      authScopes,
      args: {
        input: t.arg({
          type: UpdateConversationInput,
          required: true,
          description: 'The changes.',
        }),
      },
      resolve: async (_root, { input }, context) => {
        const { id, ...change } = input;
        if (!(await ownConversation(id, context))) return null;
        return context.services.runs.conversations.update(id, change);
      },
    }),
    deleteConversation: t.field({
      type: DeleteConversationResult,
      description: 'Forgets what was said in its runs; what they cost stays.',
      authScopes,
      args: {
        id: t.arg.id({ required: true, description: 'Id of the conversation.', validate: id }),
      },
      resolve: (_root, args, context) =>
        asResult(deleteCodes, async () => {
          const own = await ownConversation(args.id, context);
          const deleted = own && (await context.services.runs.deleteConversation(args.id));
          if (deleted) return deleted;
          throw new DomainError('NOT_FOUND', 'You have no such conversation.');
        }),
    }),
  }));
}

/** `Conversation`, the lists of them, and what changes one. */
export function declareConversation(builder: Builder, runs: RunConnection): void {
  declareConversationType(builder, runs);
  declareConversationQueries(builder);
  declareConversationMutations(builder);
}
