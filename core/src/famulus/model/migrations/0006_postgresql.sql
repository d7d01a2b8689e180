ALTER TABLE "agent" ADD COLUMN "unanswered" BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE "agent" ALTER COLUMN "unanswered" DROP DEFAULT;
CREATE INDEX "agent_unanswered"
    ON "agent" ("run_id")
    WHERE "unanswered";
UPDATE "agent" SET "unanswered" = TRUE
    WHERE "unit_id" IS NOT NULL AND "submitted_at" IS NOT NULL
    AND "answers" IN ('{}', '[]', '""', 'null');
