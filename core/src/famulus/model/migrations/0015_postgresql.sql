ALTER TABLE "review" RENAME COLUMN "settled_at" TO "applied_at";
ALTER INDEX "review_unsettled" RENAME TO "review_unapplied";
