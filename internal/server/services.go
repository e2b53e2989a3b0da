package server

import (
	"fmt"
	"path/filepath"

	"stepwell/internal/awsapi"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/process"
	"stepwell/internal/service/cloudformation"
	"stepwell/internal/service/cloudformation/types"
	"stepwell/internal/service/cloudwatch"
	"stepwell/internal/service/ec2"
	"stepwell/internal/service/ecr"
	"stepwell/internal/service/events"
	"stepwell/internal/service/glue"
	"stepwell/internal/service/iam"
	"stepwell/internal/service/kms"
	"stepwell/internal/service/lambda"
	"stepwell/internal/service/logs"
	"stepwell/internal/service/redshift"
	"stepwell/internal/service/redshiftdata"
	"stepwell/internal/service/redshiftserverless"
	"stepwell/internal/service/s3"
	"stepwell/internal/service/scheduler"
	"stepwell/internal/service/secretsmanager"
	"stepwell/internal/service/sns"
	"stepwell/internal/service/sqs"
	"stepwell/internal/service/ssm"
	"stepwell/internal/service/states"
	"stepwell/internal/service/sts"
	"stepwell/internal/warehouse"
)

// services are the AWS services of a server.
type services struct {
	cloudformation *cloudformation.Service
	cloudwatch     *cloudwatch.Service
	ec2            *ec2.Service
	ecr            *ecr.Service
	events         *events.Service
	glue           *glue.Service
	iam            *iam.Service
	kms            *kms.Service
	lambda         *lambda.Service
	logs           *logs.Service
	redshift       *redshift.Service
	redshiftdata   *redshiftdata.Service
	s3             *s3.Service
	scheduler      *scheduler.Service
	secretsmanager *secretsmanager.Service
	serverless     *redshiftserverless.Service
	sns            *sns.Service
	sqs            *sqs.Service
	ssm            *ssm.Service
	states         *states.Service
	sts            *sts.Service
}

// tables are the services' operation tables, sorted by name.
func (s *services) tables() []*bus.Service {
	return []*bus.Service{
		s.cloudformation.Table(), s.ec2.Table(), s.ecr.Table(), s.events.Table(), s.glue.Table(), s.iam.Table(), s.kms.Table(), s.lambda.Table(), s.logs.Table(), s.cloudwatch.Table(), s.redshift.Table(), s.redshiftdata.Table(), s.serverless.Table(),
		s.s3.Table(), s.scheduler.Table(), s.secretsmanager.Table(), s.sns.Table(), s.sqs.Table(), s.ssm.Table(), s.states.Table(), s.sts.Table(),
	}
}

// Tables are the operation tables of every service, without a server behind them.
func Tables() []*bus.Service {
	s := services{
		cloudformation: cloudformation.New(cloudformation.Deps{}), cloudwatch: cloudwatch.New(cloudwatch.Deps{}), ec2: ec2.New(ec2.Deps{}), ecr: ecr.New(ecr.Deps{}), events: events.New(events.Deps{}), glue: glue.New(glue.Deps{}), iam: iam.New(iam.Deps{}), kms: kms.New(kms.Deps{}), lambda: lambda.New(lambda.Deps{}), logs: logs.New(logs.Deps{}),
		redshift: redshift.New(redshift.Deps{}), redshiftdata: redshiftdata.New(redshiftdata.Deps{}), serverless: redshiftserverless.New(redshiftserverless.Deps{}),
		s3: s3.New(s3.Deps{}), scheduler: scheduler.New(scheduler.Deps{}), secretsmanager: secretsmanager.New(secretsmanager.Deps{}), sns: sns.New(sns.Deps{}), sqs: sqs.New(sqs.Deps{}), ssm: ssm.New(ssm.Deps{}),
		states: states.New(states.Deps{Clock: clock.New(1), IDs: bus.RandomIDs{}}), sts: sts.New(sts.Deps{}),
	}
	return s.tables()
}

// Models are the service models that clients of a server need.
func Models() []*awsapi.Model {
	tables := Tables()
	models := make([]*awsapi.Model, len(tables))
	for i, t := range tables {
		models[i] = t.Model
	}
	return models
}

// build makes the warehouse and the services and puts them on the bus.
func (s *Server) build() error {
	o, ids := s.options, bus.RandomIDs{}
	keys, err := o.credentials()
	if err != nil {
		return err
	}
	sealer, err := secretsmanager.NewSealer(filepath.Join(o.DataDir, "secrets.key"))
	if err != nil {
		return err
	}
	seal := func(b []byte) ([]byte, error) { return sealer.Seal(b, "server") }
	unseal := func(b []byte) ([]byte, error) { return sealer.Open(b, "server") }
	v := &services{}
	v.s3 = s3.New(s3.Deps{Store: s.store, Clock: s.clock, Log: s.log, Data: o.DataDir, IDs: ids, Bus: s.bus, Work: s.work, Happened: v.objectChanged})
	v.sts = sts.New(sts.Deps{Store: s.store, Bus: s.bus, IDs: ids, Log: s.log, Static: keys.static, Seal: seal, Unseal: unseal})
	v.iam = iam.New(iam.Deps{Store: s.store, Clock: s.clock, IDs: ids, Seal: seal, Unseal: unseal})
	v.logs = logs.New(logs.Deps{Store: s.store, Clock: s.clock, IDs: ids, Bus: s.bus})
	v.secretsmanager = secretsmanager.New(secretsmanager.Deps{Store: s.store, Clock: s.clock, IDs: ids, Log: s.log, Seal: sealer, Bus: s.bus, Work: s.work})
	mail, err := o.mailer(s.address)
	if err != nil {
		return err
	}
	v.sns = sns.New(sns.Deps{
		Store: s.store, Clock: s.clock, IDs: ids, Work: s.work, Log: s.log, Endpoint: s.address.Endpoint,
		Dir: filepath.Join(o.DataDir, "sns"), Mail: mail, AutoConfirmEmail: o.SMTP == "",
		Targets: map[string]sns.Target{"sqs": queues{s.bus}, "lambda": handlers{s.bus}},
	})
	v.sqs = sqs.New(sqs.Deps{Store: s.store, Clock: s.clock, IDs: ids, Work: s.work, Log: s.log, Endpoint: s.address.Endpoint})
	environments := process.NewEnvironments(process.EnvironmentsOptions{CacheDir: filepath.Join(o.CacheDir, "python"), Python: o.python()})
	v.lambda = lambda.New(lambda.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Log: s.log,
		Environments: environments, Dir: filepath.Join(o.DataDir, "lambda"),
		EndpointURL: func() string { return s.address.Endpoint },
		Credentials: keys.forJob, CABundle: s.address.CABundle, Seal: seal, Unseal: unseal, Mounting: o.mounting(),
	})
	v.glue = glue.New(glue.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Log: s.log,
		Environments: environments,
		RunDir:       filepath.Join(o.DataDir, "runs"),
		EndpointURL:  func() string { return s.address.Endpoint },
		Credentials:  keys.forJob,
		CABundle:     s.address.CABundle,
		Seal:         seal,
		Unseal:       unseal,
		Events:       v.glueChanged,
	})
	v.events = events.New(events.Deps{Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Log: s.log})
	v.scheduler = scheduler.New(scheduler.Deps{Store: s.store, Clock: s.clock, Bus: s.bus, Catalog: s.bus, IDs: ids, Work: s.work, Log: s.log})
	v.cloudwatch = cloudwatch.New(cloudwatch.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, Work: s.work, Log: s.log, Events: v.emitter("aws.cloudwatch"),
	})
	v.ec2 = ec2.New(ec2.Deps{Store: s.store, Clock: s.clock, IDs: ids})
	v.ecr = ecr.New(ecr.Deps{Store: s.store, Clock: s.clock})
	v.kms = kms.New(kms.Deps{Store: s.store, Clock: s.clock, IDs: ids, Seal: seal, Unseal: unseal})
	v.ssm = ssm.New(ssm.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, Seal: seal, Unseal: unseal, Events: v.emitter("aws.ssm"),
	})
	v.states = states.New(states.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, Catalog: s.bus, IDs: ids, Log: s.log, Mocks: o.Mocks, Events: v.executionChanged,
	})

	objects, err := s.objects(v.s3)
	if err != nil {
		return err
	}
	engines := warehouse.Options{
		Dir: filepath.Join(o.DataDir, "redshift"), Objects: objects, Catalog: catalog{s.bus}, Python: functions{}, Clock: s.clock, Log: s.log,
	}
	engines.Duck.MemoryLimit = o.RedshiftMemory
	if s.warehouse, err = warehouse.Open(engines); err != nil {
		return err
	}
	s.closers = append(s.closers, s.warehouse.Close)
	host, port, err := hostPort(s.address.Redshift)
	if err != nil {
		return fmt.Errorf("cannot use the Redshift address: %w", err)
	}
	v.serverless = redshiftserverless.New(redshiftserverless.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Host: host, Port: port, Warehouse: clusters{s.warehouse},
	})
	v.redshift = redshift.New(redshift.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Log: s.log, Host: host, Port: port,
		Warehouse: clusters{s.warehouse}, DefaultPassword: o.RedshiftPassword, HomeAccount: o.Account, HomeRegion: o.Region,
		Namespaces: v.namespaces,
	})
	v.redshiftdata = redshiftdata.New(redshiftdata.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Log: s.log,
		Warehouse: statements{s.warehouse, s.bus}, Dir: filepath.Join(o.DataDir, "results"), Events: v.statementEnded,
	})
	v.cloudformation = cloudformation.New(cloudformation.Deps{
		Store: s.store, Clock: s.clock, Bus: s.bus, IDs: ids, Work: s.work, Log: s.log, Types: types.All(), Endpoint: s.address.Endpoint,
		Seal: seal, Unseal: unseal, Events: v.stackChanged,
	})
	s.services = v
	s.register(v.tables())
	v.s3.Register(s.work)
	v.cloudformation.Register(s.work)
	v.cloudwatch.Register(s.work)
	v.events.Register(s.work)
	v.scheduler.Register(s.work)
	v.sns.Register(s.work)
	v.sqs.Register(s.work)
	v.glue.Register(s.work)
	v.lambda.Register(s.work)
	v.redshift.Register(s.work)
	v.redshiftdata.Register(s.work)
	v.serverless.Register(s.work)
	v.secretsmanager.Register(s.work)
	s.keys = keys
	return nil
}

// python are the interpreters to try; none means those on PATH.
func (o *Options) python() []string {
	if o.Python == "" {
		return nil
	}
	return []string{o.Python}
}

// mailer delivers SNS e-mail.
func (o *Options) mailer(a Address) (sns.Mailer, error) {
	if o.SMTP == "" {
		return sns.NewOutbox(a.Outbox()), nil
	}
	host, port, err := hostPort(o.SMTP)
	if err != nil {
		return nil, fmt.Errorf("cannot use --smtp: %w", err)
	}
	return sns.NewSMTP(sns.SMTP{Host: host, Port: port, From: o.MailFrom}), nil
}
