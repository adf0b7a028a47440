-- The score of a candidate's document reads that document's postings of the question's terms, and no others.
DROP INDEX "Posting_documentId_idx";
CREATE INDEX "Posting_documentId_term_idx" ON "Posting"("documentId", "term");
