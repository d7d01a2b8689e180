ALTER TABLE "review" RENAME COLUMN "settled_at" TO "applied_at";
DROP INDEX "review_unsettled";
CREATE INDEX "review_unapplied"
    ON "review" ("unit_id")
    WHERE (("applied_at" IS NULL) AND ("undone_at" IS NULL));
