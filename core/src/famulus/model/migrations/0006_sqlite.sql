ALTER TABLE "agent" ADD COLUMN "unanswered" INTEGER NOT NULL DEFAULT 0;
CREATE INDEX "agent_unanswered"
    ON "agent" ("run_id")
    WHERE "unanswered";
UPDATE "agent" SET "unanswered" = 1
    WHERE "unit_id" IS NOT NULL AND "submitted_at" IS NOT NULL
    AND "answers" IN ('{}', '[]', '""', 'null');
