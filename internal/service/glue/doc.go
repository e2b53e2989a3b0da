// Package glue is AWS Glue: the Data Catalog (databases, tables with versions,
// partitions with expressions, search), connections that TestConnection really
// opens, and jobs. Jobs of the command pythonshell run for real, as child
// processes in a Python environment made for them, with AWS's run states and
// their lines in the log groups AWS uses.
//
// It refuses by name what it does not do: every operation of the model has a
// row in the table; a job of the commands glueetl, gluestreaming and glueray is
// kept, and starting it is an error. Lake Formation, encryption, crawlers,
// triggers, workflows and the schema registry are not here.
//
// Changes of the catalog and ends of runs are told in EventBridge's form (Deps.Events)
// in the transactions that make them.
//
// What differs from AWS in a Python shell run, on purpose: the Python is the
// machine's own 3.x, whatever PythonVersion says; a library of the set
// "analytics" is installed when the code imports it (libraries.txt); the
// ErrorMessage of a script that raised is its exception instead of "Command
// failed with exit code 1".
//
// Only the composition root imports it; other services reach it over the bus.
package glue
