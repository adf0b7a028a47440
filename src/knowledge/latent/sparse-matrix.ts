/** Rows of a matrix, compressed: row r has `values[i]` at `columns[i]` for i from `starts[r]` to before `starts[r + 1]`. */
export interface SparseMatrix {
  rows: number;
  columns: Uint32Array;
  values: Float32Array;
  starts: Uint32Array;
  width: number;
}

/** A dense matrix, row by row. */
export interface DenseMatrix {
  rows: number;
  width: number;
  values: Float64Array;
}

export const denseMatrix = (rows: number, width: number): DenseMatrix => ({
  rows,
  width,
  values: new Float64Array(rows * width),
});

/** `sparse × dense`, of the sparse matrix's first `rows` rows. */
export function multiply(
  sparse: SparseMatrix,
  dense: DenseMatrix,
  rows = sparse.rows,
): DenseMatrix {
  const { width } = dense;
  const product = denseMatrix(rows, width);
  for (let row = 0; row < rows; row++) {
    for (let at = sparse.starts[row]!; at < sparse.starts[row + 1]!; at++)
      addScaled(product.values, row * width, {
        from: dense.values,
        offset: sparse.columns[at]! * width,
        scale: sparse.values[at]!,
        width,
      });
  }
  return product;
}

/** `sparseᵀ × dense`, of the sparse matrix's first `dense.rows` rows. */
export function multiplyTransposed(sparse: SparseMatrix, dense: DenseMatrix): DenseMatrix {
  const { width } = dense;
  const product = denseMatrix(sparse.width, width);
  for (let row = 0; row < dense.rows; row++) {
    for (let at = sparse.starts[row]!; at < sparse.starts[row + 1]!; at++)
      addScaled(product.values, sparse.columns[at]! * width, {
        from: dense.values,
        offset: row * width,
        scale: sparse.values[at]!,
        width,
      });
  }
  return product;
}

function addScaled(
  target: Float64Array,
  start: number,
  term: { from: Float64Array; offset: number; scale: number; width: number },
): void {
  const { from, offset, scale, width } = term;
  for (let at = 0; at < width; at++) target[start + at]! += scale * from[offset + at]!;
}

/** `denseᵀ × dense`: symmetric, width × width. */
export function gram(dense: DenseMatrix): DenseMatrix {
  const { width, values } = dense;
  const product = denseMatrix(width, width);
  for (let row = 0; row < dense.rows; row++) {
    const start = row * width;
    for (let a = 0; a < width; a++) {
      const value = values[start + a]!;
      if (value === 0) continue;
      const target = a * width;
      for (let b = a; b < width; b++) product.values[target + b]! += value * values[start + b]!;
    }
  }
  for (let a = 0; a < width; a++)
    for (let b = 0; b < a; b++) product.values[a * width + b] = product.values[b * width + a]!;
  return product;
}

/** `left × right`, both dense. */
export function multiplyDense(left: DenseMatrix, right: DenseMatrix): DenseMatrix {
  const product = denseMatrix(left.rows, right.width);
  for (let row = 0; row < left.rows; row++) {
    for (let middle = 0; middle < left.width; middle++)
      addScaled(product.values, row * right.width, {
        from: right.values,
        offset: middle * right.width,
        scale: left.values[row * left.width + middle]!,
        width: right.width,
      });
  }
  return product;
}
