-- Who may read and write a collection, and who of its readers may read a document: `user:NAME`, `group:NAME` or `*`. What
-- is there already stays readable for every signed-in caller; a new collection is its maker's.
ALTER TABLE "Collection" ADD COLUMN "readers" TEXT[] NOT NULL DEFAULT '{}', ADD COLUMN "writers" TEXT[] NOT NULL DEFAULT '{}';
UPDATE "Collection" SET "readers" = '{*}';

-- Null: every reader of the collection.
ALTER TABLE "Document" ADD COLUMN "readers" TEXT[];
CREATE INDEX "Document_restricted" ON "Document"("collectionId") WHERE "readers" IS NOT NULL;
