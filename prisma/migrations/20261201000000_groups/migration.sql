ALTER TABLE "ApiKey" ADD COLUMN "groups" TEXT[] DEFAULT ARRAY[]::TEXT[];

ALTER TABLE "Session" ADD COLUMN "groups" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- Runs of before are their user's and nobody's group.
ALTER TABLE "Run" ADD COLUMN "groups" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "roles" TEXT[] DEFAULT ARRAY['USER']::TEXT[];
