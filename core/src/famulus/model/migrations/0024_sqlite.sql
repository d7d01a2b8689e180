ALTER TABLE "unit" ADD COLUMN "replacement" INTEGER NOT NULL DEFAULT 0;
DROP INDEX "unit_lane";
CREATE UNIQUE INDEX "unit_lane"
    ON "unit" ("assignment_id", "lane", "replacement");
CREATE INDEX "unit_replacement"
    ON "unit" ("run_id")
    WHERE ("replacement" > 0);
