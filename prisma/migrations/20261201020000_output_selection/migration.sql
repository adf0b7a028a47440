-- AlterTable
ALTER TABLE "PromptVersion" ADD COLUMN     "outputFields" TEXT;

-- AlterTable
ALTER TABLE "Run" ADD COLUMN     "outputSelection" JSONB;
