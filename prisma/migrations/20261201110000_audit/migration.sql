CREATE TABLE "AuditEntry" (
  "id" UUID NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "actor" TEXT,
  "apiKeyId" UUID,
  "address" TEXT,
  "action" TEXT NOT NULL,
  "subject" TEXT,
  "detail" JSONB,
  "requestId" TEXT NOT NULL,

  CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "AuditEntry_actor_id_idx" ON "AuditEntry"("actor", "id");
CREATE INDEX "AuditEntry_action_id_idx" ON "AuditEntry"("action", "id");

-- What was done stays as it was written.
CREATE FUNCTION audit_entry_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'entries of the audit log are neither changed nor deleted';
END $$;

CREATE TRIGGER "AuditEntry_is_final" BEFORE UPDATE OR DELETE ON "AuditEntry"
  FOR EACH ROW EXECUTE FUNCTION audit_entry_is_final();
CREATE TRIGGER "AuditEntry_is_kept" BEFORE TRUNCATE ON "AuditEntry"
  EXECUTE FUNCTION audit_entry_is_final();
