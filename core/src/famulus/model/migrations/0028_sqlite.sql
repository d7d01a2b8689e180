DROP INDEX "event_rare";
CREATE INDEX "event_rare"
    ON "event" ("run_id")
    WHERE (((("subject" != 'visit') AND ("subject" != 'agent')) AND ("subject" != 'unit')) AND ("subject" != 'work'));
