# The verbs of the service and the words they know, read by the Makefile.
KNOWN += ID KEY PARTLY
options += $(call option,ID,id) $(call option,KEY,key) $(call flag,PARTLY,partly)

.PHONY: serve feedback label retrain monitor replay forget

serve: $(READY) ## the champion answers over HTTP, with a page and a log: [serve] in params.toml
	@$(CLI) serve $(options)

feedback: $(READY) ## what turned out to be true, into the log of answers (INPUT=file, PARTLY=1: what can be taken)
	@$(CLI) feedback $(options)

label: $(READY) ## the rows most worth a person's minute, from the log and data/external/unlabelled/: [label]
	@$(CLI) label $(options)

replay: $(READY) ## logged rows scored again (ID=answer, RUN=another run)
	@$(CLI) replay $(options)

forget: $(READY) ## a person's rows deleted from the log (KEY=column=value)
	@$(CLI) forget $(options)

monitor: $(READY) ## is the model still well? reports/monitoring.html, fails on an alarm (INPUT=batch.csv, RUN=run)
	@$(CLI) monitor $(options)

retrain: $(READY) ## a run from what people said of answers; it becomes champion if it passes the gate
	@$(CLI) retrain $(options)
