import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { latentTerms } from './latent-terms.ts';
import {
  type DenseMatrix,
  denseMatrix,
  gram,
  multiply,
  multiplyDense,
  multiplyTransposed,
  type SparseMatrix,
} from './sparse-matrix.ts';

export interface LatentSpace {
  dimensions: number;
  terms: string[];
  /** A row for each term, its rarity worked in: a text's vector is the sum over its terms. */
  termVectors: Float32Array;
  /** A row for each text, of length 1 or zero. */
  textVectors: Float32Array;
}

export interface FitOptions {
  /** Default 200. */
  dimensions?: number;
  /** Texts that decide the space; the others are only placed in it. Default 20,000. Time and memory grow with it: 2,000 take four seconds. */
  maxFitted?: number;
  /** Default 40,000, the commonest. */
  maxTerms?: number;
}

const oversampling = 20;
const iterations = 3;
/** A term in one text alone relates nothing; one in half of all texts says nothing. */
const minTexts = 2;
const maxTextsShare = 0.5;

/**
 * Latent semantic analysis (Deerwester et al. 1990): texts as weighted term counts, reduced to the strongest directions
 * by a randomised singular value decomposition (Halko, Martinsson and Tropp 2011, subspace iteration). Terms that occur
 * in the same company come to lie near each other. Deterministic. Takes seconds: not for the main thread.
 */
export function fitLatentSpace(texts: readonly string[], options: FitOptions = {}): LatentSpace {
  const counts = texts.map(latentTerms);
  const { terms, rarity } = chooseTerms(counts, options.maxTerms ?? 40_000);
  const matrix = toMatrix(counts, terms, rarity);
  const fitted = Math.min(texts.length, options.maxFitted ?? 20_000);
  const dimensions = Math.min(options.dimensions ?? 200, fitted, terms.length);
  const basis = strongestDirections(matrix, fitted, dimensions);
  const textVectors = Float32Array.from(multiply(matrix, basis).values);
  normaliseRows(textVectors, dimensions);
  const termVectors = Float32Array.from(
    basis.values,
    (value, at) => value * rarity[Math.floor(at / dimensions)]!,
  );
  return { dimensions, terms, termVectors, textVectors };
}

function chooseTerms(
  counts: Map<string, number>[],
  most: number,
): { terms: string[]; rarity: number[] } {
  const texts = new Map<string, number>();
  for (const each of counts)
    for (const term of each.keys()) texts.set(term, (texts.get(term) ?? 0) + 1);
  const usable = [...texts].filter(
    ([, count]) => count >= minTexts && count <= counts.length * maxTextsShare,
  );
  const chosen = usable.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, most);
  return {
    terms: chosen.map(([term]) => term),
    rarity: chosen.map(([, count]) => Math.log(counts.length / count)),
  };
}

/** Rows of length 1: logarithmic counts times rarity. */
function toMatrix(counts: Map<string, number>[], terms: string[], rarity: number[]): SparseMatrix {
  const places = new Map(terms.map((term, at) => [term, at]));
  const columns: number[] = [];
  const values: number[] = [];
  const starts = new Uint32Array(counts.length + 1);
  counts.forEach((each, row) => {
    let squares = 0;
    for (const [term, count] of each) {
      const column = places.get(term);
      if (column === undefined) continue;
      const value = (1 + Math.log(count)) * rarity[column]!;
      columns.push(column);
      values.push(value);
      squares += value * value;
    }
    const length = Math.sqrt(squares) || 1;
    for (let at = starts[row]!; at < values.length; at++) values[at]! /= length;
    starts[row + 1] = values.length;
  });
  return {
    rows: counts.length,
    width: terms.length,
    columns: Uint32Array.from(columns),
    values: Float32Array.from(values),
    starts,
  };
}

/** The right singular vectors of the `dimensions` greatest singular values of the first rows: a column for each. */
function strongestDirections(matrix: SparseMatrix, rows: number, dimensions: number): DenseMatrix {
  const width = Math.min(dimensions + oversampling, rows, matrix.width);
  if (width === 0) return denseMatrix(matrix.width, 0);
  let basis = orthonormal(randomMatrix(matrix.width, width));
  for (let turn = 0; turn < iterations; turn++)
    basis = orthonormal(multiplyTransposed(matrix, multiply(matrix, basis, rows)));
  const inner = gram(multiply(matrix, basis, rows));
  const { order, vectors } = eigen(inner);
  const rotation = denseMatrix(width, dimensions);
  for (let row = 0; row < width; row++)
    for (let column = 0; column < dimensions; column++)
      rotation.values[row * dimensions + column] = vectors.get(row, order[column]!);
  return multiplyDense(basis, rotation);
}

/** Makes columns orthonormal through their Gram matrix; a direction without weight becomes zero. */
function orthonormal(matrix: DenseMatrix): DenseMatrix {
  const { order, vectors, values } = eigen(gram(matrix));
  const { width } = matrix;
  const rotation = denseMatrix(width, width);
  const least = (values[order[0]!] ?? 0) * 1e-12;
  for (let column = 0; column < width; column++) {
    const value = values[order[column]!]!;
    const scale = value > least ? 1 / Math.sqrt(value) : 0;
    for (let row = 0; row < width; row++)
      rotation.values[row * width + column] = vectors.get(row, order[column]!) * scale;
  }
  return multiplyDense(matrix, rotation);
}

/** Eigenvectors are the columns of `vectors`; `order` lists them from the greatest value down. */
function eigen(symmetric: DenseMatrix): { order: number[]; vectors: Matrix; values: number[] } {
  const { width } = symmetric;
  const matrix = Matrix.from1DArray(width, width, symmetric.values);
  const decomposition = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const values = decomposition.realEigenvalues;
  const order = values.map((_, at) => at).sort((a, b) => values[b]! - values[a]!);
  return { order, vectors: decomposition.eigenvectorMatrix, values };
}

/** Evenly distributed around zero, the same every time. */
function randomMatrix(rows: number, width: number): DenseMatrix {
  const matrix = denseMatrix(rows, width);
  let state = 1;
  for (let at = 0; at < matrix.values.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    matrix.values[at] = state / 2 ** 31 - 1;
  }
  return matrix;
}

function normaliseRows(values: Float32Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) for (let at = 0; at < width; at++) row[at]! /= length;
  }
}
