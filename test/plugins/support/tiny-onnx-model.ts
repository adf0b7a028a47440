import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const dimensions = 32;
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const vocabulary = [...special, ...letters, ...letters.map((letter) => `##${letter}`)];

/**
 * Writes a model of the BERT kind into the folder: its tokens are letters, and a token's vector stands in a table. It
 * knows nothing, but is loaded, fed and pooled like any other.
 */
export async function writeTinyModel(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'onnx'), { recursive: true });
  const write = (name: string, content: object | Uint8Array): Promise<void> =>
    writeFile(
      path.join(folder, name),
      content instanceof Uint8Array ? content : JSON.stringify(content),
    );
  await write('config.json', { model_type: 'bert', hidden_size: dimensions });
  await write('tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    model_max_length: 512,
    pad_token: '[PAD]',
    unk_token: '[UNK]',
    cls_token: '[CLS]',
    sep_token: '[SEP]',
    mask_token: '[MASK]',
  });
  await write('tokenizer.json', tokenizer());
  await write('onnx/model.onnx', model());
}

function tokenizer(): object {
  const token = (content: string) => ({ id: content, type_id: 0 });
  const single = (name: string) => ({ SpecialToken: token(name) });
  return {
    version: '1.0',
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'BertNormalizer', clean_text: true, lowercase: true, strip_accents: null },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [single('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, single('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((name) => [
          name,
          { id: name, ids: [vocabulary.indexOf(name)], tokens: [name] },
        ]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    },
  };
}

// ONNX is protobuf: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. The numbers are those of its fields.

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}
const integer = (field: number, value: number): Buffer =>
  Buffer.from([...varint(field * 8), ...varint(value)]);
const bytes = (field: number, content: Uint8Array | string): Buffer => {
  const buffer = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(buffer.length)]), buffer]);
};
const message = (field: number, ...parts: Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

const float = 1;
const int64 = 7;

function valueInfo(field: number, name: string, type: number, shape: (string | number)[]): Buffer {
  const dimensionOf = (size: string | number): Buffer =>
    message(1, typeof size === 'number' ? integer(1, size) : bytes(2, size));
  const tensor = message(1, integer(1, type), message(2, ...shape.map(dimensionOf)));
  return message(field, bytes(1, name), message(2, tensor));
}

/** `last_hidden_state = Gather(table, input_ids)`. */
function model(): Buffer {
  let state = 7;
  const table = Float32Array.from({ length: vocabulary.length * dimensions }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Whether a letter begins a word makes no difference.
    const token = vocabulary[Math.floor(at / dimensions)]!;
    return (
      Math.sin(token.charCodeAt(token.length - 1) * 37 + (at % dimensions) * 101) + state / 2 ** 34
    );
  });
  const initializer = message(
    5,
    ...[vocabulary.length, dimensions].map((size) => integer(1, size)),
    integer(2, float),
    bytes(8, 'table'),
    bytes(9, Buffer.from(table.buffer)),
  );
  const node = message(
    1,
    ...['table', 'input_ids'].map((name) => bytes(1, name)),
    ...[bytes(2, 'last_hidden_state'), bytes(3, 'gather'), bytes(4, 'Gather')],
  );
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    valueInfo(11, name, int64, ['batch', 'length']),
  );
  const output = valueInfo(12, 'last_hidden_state', float, ['batch', 'length', dimensions]);
  const graph = message(7, node, bytes(2, 'tiny'), initializer, ...inputs, output);
  return Buffer.concat([integer(1, 8), message(8, integer(2, 13)), graph]);
}
